-- What readers may see of the archive: their own rows, as everywhere. The view `trade` asks as whoever asks it.
alter table position_archive enable row level security;
create policy own_rows on position_archive using ((select current_user <> 'sinyal_reader')
    or subscriber_id = (select nullif(current_setting('sinyal.subscriber_id', true), '')::bigint));
grant select on position_archive, trade to sinyal_reader;

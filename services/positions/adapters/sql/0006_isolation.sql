-- What must hold of every row, whoever writes it; and who may see which. `not valid`: rows that are there are looked at
-- by the next migration, which keeps nobody from writing meanwhile.

create function share_of_legs(legs jsonb) returns numeric language sql immutable strict parallel safe as $$
    select coalesce(sum((leg ->> 'share')::numeric), 0) from jsonb_array_elements(legs) leg
$$;

alter table position
    add constraint position_versions check (version >= 1) not valid,
    add constraint position_opened check (state <> 'open' or opened_at is not null) not valid,
    add constraint position_ended check ((state in ('closed', 'void')) = (closed_at is not null)) not valid,
    -- a trade counts only if its message arrived, or may have
    add constraint position_arrived
        check (state not in ('open', 'closed') or coalesce(delivery_state in ('delivered', 'unknown'), false)) not valid,
    add constraint position_exit_prices check (exit_level > 0 and exit_price > 0) not valid,
    add constraint position_legs
        check (legs = '[]' or jsonb_typeof(legs) = 'array' and share_of_legs(legs) > 0 and share_of_legs(legs) < 1) not valid;
alter table position_event add constraint position_event_versions check (version >= 1) not valid;
alter table progress add constraint progress_forward
    check (tenure >= 0 and rewind_sequence between 0 and sequence and rewind_epoch_ms <= epoch_ms) not valid;

-- Questions of subscribers are answered as this role, which sees the rows of `sinyal.subscriber_id` and no others. A role
-- belongs to the whole server: another database may have made it, or may be making it now.
do $$
begin
    if not exists (select from pg_roles where rolname = 'sinyal_reader') then
        create role sinyal_reader nologin;
    end if;
exception
    when duplicate_object or unique_violation then null;
    when insufficient_privilege then
        raise exception '% may not create the role sinyal_reader: have an administrator run: create role sinyal_reader nologin; grant sinyal_reader to "%"',
            current_user, current_user using errcode = 'insufficient_privilege';
end
$$;
do $$
begin
    if not pg_has_role(current_user, 'sinyal_reader', 'usage') then
        execute format('grant sinyal_reader to %I', current_user);
    end if;
exception
    when unique_violation then null;
    when insufficient_privilege then
        raise exception '% may not become sinyal_reader: have an administrator run: grant sinyal_reader to "%"',
            current_user, current_user using errcode = 'insufficient_privilege';
end
$$;

do $$
begin
    execute format('grant usage on schema %I to sinyal_reader', current_schema());
end
$$;
grant select on subscriber, signal, position, position_event, refusal to sinyal_reader;

-- For the others nothing changes: a policy that looks at the role of the moment keeps on letting them see all, also
-- those who may become sinyal_reader.
alter table subscriber enable row level security;
alter table position enable row level security;
alter table position_event enable row level security;
alter table refusal enable row level security;
create policy own_rows on subscriber using ((select current_user <> 'sinyal_reader')
    or id = (select nullif(current_setting('sinyal.subscriber_id', true), '')::bigint));
create policy own_rows on position using ((select current_user <> 'sinyal_reader')
    or subscriber_id = (select nullif(current_setting('sinyal.subscriber_id', true), '')::bigint));
create policy own_rows on position_event using ((select current_user <> 'sinyal_reader')
    or exists (select from position p where p.id = position_id
        and p.subscriber_id = (select nullif(current_setting('sinyal.subscriber_id', true), '')::bigint)));
create policy own_rows on refusal using ((select current_user <> 'sinyal_reader')
    or subscriber_id = (select nullif(current_setting('sinyal.subscriber_id', true), '')::bigint));

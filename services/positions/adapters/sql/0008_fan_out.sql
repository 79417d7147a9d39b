-- A signal is handed out in pages by the ids of subscribers: up to whom that was done. Null: no page of it is stored, or
-- all are (the inbox tells which).
alter table signal add column handed_to bigint;

-- Whoever follows the ticks takes in the positions of a page; the wider index serves what the narrower one did.
create index position_followed_by on position (symbol, signal_id, subscriber_id) where state in ('proposed', 'open');
drop index position_followed;

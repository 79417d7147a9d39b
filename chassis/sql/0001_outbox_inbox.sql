-- What a transaction has to say: published in id order by the relay, then deleted.
create table outbox (
    id bigint generated always as identity primary key,
    message_id text not null unique,
    subject text not null,
    body bytea not null,
    created_at timestamptz not null default now(),
    xid xid8 not null default pg_current_xact_id()
);

-- What a consumer has handled: a second delivery of the same message changes nothing.
create table inbox (
    consumer text not null,
    message_id text not null,
    handled_at timestamptz not null default now(),
    primary key (consumer, message_id)
);
create index inbox_handled_at on inbox (handled_at);

-- Wakes the relay of this schema at commit.
create function announce_outbox() returns trigger language plpgsql as $$
begin
    perform pg_notify('outbox_' || tg_table_schema, '');
    return null;
end
$$;
create trigger outbox_announced after insert on outbox for each statement execute function announce_outbox();

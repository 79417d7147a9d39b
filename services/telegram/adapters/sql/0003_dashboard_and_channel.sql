-- One row per live dashboard, from the command until its last edit is settled: nothing in memory knows of it, so nothing
-- is left over when a process ends. What became of its message and of its edits, the rows of `delivery` tell.
create table dashboard (
    dashboard_id text primary key,
    subscriber_id bigint not null,
    chat_id bigint not null,
    symbol text not null,
    language text not null,
    time_zone text not null,
    position_id text,
    shown text not null default '',
    edits integer not null default 0 check (edits >= 0),
    last_send_id text,
    ending text check (ending in ('stopped', 'replaced', 'aged', 'finished')),
    is_final boolean not null default false,
    asked_at timestamptz,
    next_at timestamptz not null default now(),
    opened_at timestamptz not null default now()
);

comment on column dashboard.dashboard_id is 'the send that became its message';
comment on column dashboard.shown is 'digest of what the last edit shows';
comment on column dashboard.is_final is 'the last edit is on its way: the row goes when that one is settled';

create unique index dashboard_live on dashboard (subscriber_id, symbol) where ending is null;
create index dashboard_due on dashboard (next_at);

-- The channels we publish to, as positions was told: one that the settings name no more is taken out of service there.
create table channel (
    chat_id bigint primary key check (chat_id < 0),
    since timestamptz not null default now()
);

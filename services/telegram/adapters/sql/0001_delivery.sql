-- One row per send, for as long as a repeat may come: it is written before each call, so that a call whose result was
-- lost with its process is seen as what it is. html and buttons are kept where a picture may still join the message.
create table delivery (
    send_id text primary key,
    chat_id bigint not null,
    subscriber_id bigint not null,
    kind text not null,
    state text not null check (
        state in ('waiting', 'attempting', 'delivered', 'void', 'dead', 'unknown', 'expired')
    ),
    attempts integer not null default 0 check (attempts >= 0),
    repeats integer not null default 0 check (repeats between 0 and attempts),
    attempt_started_at timestamptz,
    message_id bigint,
    reason text not null default '',
    deactivate boolean not null default false,
    chart_key text,
    html text,
    buttons jsonb not null default '[]',
    created_at timestamptz not null default now(),
    settled_at timestamptz
);

create index delivery_settled_at on delivery (settled_at);
create index delivery_open on delivery (created_at) where settled_at is null;

-- The id under which Telegram keeps an uploaded picture, so that each is uploaded once.
create table file (
    chart_key text primary key,
    file_id text not null,
    created_at timestamptz not null default now()
);

-- Until when a send that waits for another try must be left alone: a new owner keeps the rest that Telegram asked for.
alter table delivery add column next_at timestamptz;

-- Groups that became supergroups: Telegram gives them another id, and knows the old one no longer.
create table chat_move (
    old_id bigint primary key,
    new_id bigint not null,
    moved_at timestamptz not null default now()
);

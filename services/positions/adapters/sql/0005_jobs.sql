-- Scheduled work. A copy takes a job by writing `leased_until`; `turn` fences one that lost it and does not know yet.
create table job (
    name text primary key,
    every_s double precision not null check (every_s > 0),
    next_run timestamptz not null default clock_timestamp(),
    leased_until timestamptz,
    turn bigint not null default 0,
    begun_at timestamptz,
    ended_at timestamptz,
    failures integer not null default 0,
    last_error text
);

-- Up to when a person's trades were told in daily summaries: each trade is in one of them.
alter table subscriber add column summarised_until timestamptz;
create index position_closed_at on position (subscriber_id, closed_at) where state = 'closed';

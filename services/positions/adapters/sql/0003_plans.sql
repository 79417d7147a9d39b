-- Plans, sizes, limits. Every column has a default: a copy that does not know them yet reads and writes as before.

alter table subscriber
    add column balance numeric(14, 2) check (balance > 0),
    add column risk_percent numeric(5, 2) check (risk_percent > 0 and risk_percent <= 10),
    add column daily_loss_percent numeric(5, 2) not null default 3 check (daily_loss_percent between 0 and 100),
    add column quiet_from_min smallint check (quiet_from_min between 0 and 1439),
    add column quiet_to_min smallint check (quiet_to_min between 0 and 1439),
    add column plan_targets text check (plan_targets in ('single', 'three')),
    add column plan_break_even boolean,
    add column plan_trailing boolean,
    add column plan_tightening boolean,
    add column plan_time_limit_s integer check (plan_time_limit_s >= 0),
    add check ((quiet_from_min is null) = (quiet_to_min is null));

-- `plan` as `domain.plans` writes it; `legs` are the parts that targets closed; `pnl` and `r` of a closed row count them.
alter table position
    add column plan text not null default 'single',
    add column stop_reason text not null default 'stop',
    add column legs jsonb not null default '[]';

-- What the event says beside its name: the row of `position` is the fold of its events.
alter table position_event add column detail jsonb;

-- After slippage signals of a symbol pause, from one tick to another (market time).
create table pause (
    symbol text not null,
    since_ms bigint not null,
    until_ms bigint check (until_ms > since_ms),
    slippage_pips double precision not null,
    primary key (symbol, since_ms)
);
create unique index pause_one on pause (symbol) where until_ms is null;

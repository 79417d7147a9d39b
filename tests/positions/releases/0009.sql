-- what the release with migration 0009 says

-- => 1 rows of bool
select pg_try_advisory_lock(hashtext('outbox:positions'))

-- => 1 rows of bool
select pg_try_advisory_lock(hashtext('ticks:XAUUSD'))

-- => 1 rows of int4
select 1

-- => 0 rows of int8 text text bytea
select id, message_id, subject, body from outbox
    where xid < pg_snapshot_xmin(pg_current_snapshot())
    order by id limit 250

-- => 1 rows of bool
select exists (select from outbox)

-- => 1 rows of int8 int8
select (select count(*) from subscriber where active),
        (select count(*) from position where state in ('proposed', 'parked', 'open'))

-- => 1 rows
insert into job (name, every_s) values ('forget', 86400.0)
    on conflict (name) do update set every_s = excluded.every_s,
        next_run = least(job.next_run, clock_timestamp() + make_interval(secs => excluded.every_s))
    where job.every_s <> excluded.every_s

-- => 1 rows
insert into job (name, every_s) values ('archive', 86400.0)
    on conflict (name) do update set every_s = excluded.every_s,
        next_run = least(job.next_run, clock_timestamp() + make_interval(secs => excluded.every_s))
    where job.every_s <> excluded.every_s

-- => 1 rows
insert into job (name, every_s) values ('daily_summary', 60.0)
    on conflict (name) do update set every_s = excluded.every_s,
        next_run = least(job.next_run, clock_timestamp() + make_interval(secs => excluded.every_s))
    where job.every_s <> excluded.every_s

-- => 1 rows of int8 int8 int8 int8 int8
insert into progress (symbol, tenure) values ('XAUUSD', 1)
    on conflict (symbol) do update set tenure = progress.tenure + 1
    returning tenure, sequence, epoch_ms, rewind_sequence, rewind_epoch_ms

-- => 1 rows of int8
update job set turn = turn + 1, begun_at = clock_timestamp(),
        leased_until = clock_timestamp() + make_interval(secs => 30.0)
    where name = (
        select name from job
        where name = 'forget' and next_run <= clock_timestamp()
            and (leased_until is null or leased_until < clock_timestamp())
        for update skip locked
    )
    returning turn

-- => 1 rows of int8
update job set turn = turn + 1, begun_at = clock_timestamp(),
        leased_until = clock_timestamp() + make_interval(secs => 30.0)
    where name = (
        select name from job
        where name = 'daily_summary' and next_run <= clock_timestamp()
            and (leased_until is null or leased_until < clock_timestamp())
        for update skip locked
    )
    returning turn

-- => 0 rows of int8 float8 int8
select since_ms, slippage_pips, until_ms from pause where symbol = 'XAUUSD' and until_ms is null

-- => 1 rows of int8
update job set turn = turn + 1, begun_at = clock_timestamp(),
        leased_until = clock_timestamp() + make_interval(secs => 30.0)
    where name = (
        select name from job
        where name = 'archive' and next_run <= clock_timestamp()
            and (leased_until is null or leased_until < clock_timestamp())
        for update skip locked
    )
    returning turn

-- => 1 rows of int8
select turn from job where name = 'forget' and turn = 1 and leased_until is not null for share

-- => 0 rows of text
select distinct time_zone from subscriber where active

-- => 0 rows of text text float8 float8 int8 text int4 text float8 float8 int8
select id, side, stop, targets, in_force_ms, stop_reason, jsonb_array_length(legs), plan, entry, initial_stop,
        quote_ms
    from position
    where symbol = 'XAUUSD' and state in ('proposed', 'open')
 order by id

-- => 0 rows
delete from inbox where ctid = any(array(select ctid from inbox where handled_at < now() - make_interval(days => 31) limit 5000))

-- => 1 rows of int8
select turn from job where name = 'archive' and turn = 1 and leased_until is not null for share

-- => 1 rows of int8
with old as (
        select id, state from position
        where state in ('closed', 'void') and closed_at < clock_timestamp() - make_interval(days => 365)
        order by closed_at limit 500 for update skip locked
    ), events as (
        delete from position_event e using old where e.position_id = old.id returning e.*
    ), gone as (
        delete from position p using old where p.id = old.id returning p.*
    ), kept as (
        insert into position_archive (id, subscriber_id, signal_id, symbol, side, mode, plan, entry, initial_stop, stop,
            stop_reason, targets, legs, lots, quote_ms, proposed_at, opened_at, closed_at, delivery_state, exit_reason,
            exit_level, exit_price, slippage_pips, closed_ms, detected_late, pnl, r, events)
        select id, subscriber_id, signal_id, symbol, side, mode, plan, entry, initial_stop, stop, stop_reason, targets,
            legs, lots, quote_ms, proposed_at, opened_at, closed_at, delivery_state, exit_reason, exit_level,
            exit_price, slippage_pips, closed_ms, detected_late, pnl, r,
            coalesce((
                select jsonb_agg(to_jsonb(e) - 'position_id' order by e.version) from events e
                where e.position_id = gone.id
            ), '[]')
        from gone where state = 'closed'
    )
    select count(*) from old

-- => 1 rows of int8
update job set leased_until = null, ended_at = clock_timestamp(), failures = 0, last_error = null,
        next_run = next_run + make_interval(
            secs => every_s * (floor(extract(epoch from clock_timestamp() - next_run)::float8 / every_s) + 1)
        )
    where name = 'daily_summary' and turn = 1 and leased_until is not null returning turn

-- => 1 rows of int8
update job set leased_until = null, ended_at = clock_timestamp(), failures = 0, last_error = null,
        next_run = next_run + make_interval(
            secs => every_s * (floor(extract(epoch from clock_timestamp() - next_run)::float8 / every_s) + 1)
        )
    where name = 'forget' and turn = 1 and leased_until is not null returning turn

-- => 1 rows of int8
update job set leased_until = null, ended_at = clock_timestamp(), failures = 0, last_error = null,
        next_run = next_run + make_interval(
            secs => every_s * (floor(extract(epoch from clock_timestamp() - next_run)::float8 / every_s) + 1)
        )
    where name = 'archive' and turn = 1 and leased_until is not null returning turn

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4 bool
insert into subscriber as s (id, chat_id, name, language, time_zone, lots) values (1, 1, 'n1', 'id', 'Asia/Jakarta', 0.01)
    on conflict (id) do update set chat_id = excluded.chat_id, name = excluded.name, active = true,
        inactive_reason = null, changed_at = now()
    returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s
, xmax = 0

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4
select 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s
 from subscriber s where s.id = 1

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4
update subscriber s set auto = true, active = s.active or true, changed_at = now(),
        inactive_reason = case when s.active or true then null else s.inactive_reason end
    where s.id = 1 returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4 bool
insert into subscriber as s (id, chat_id, name, language, time_zone, lots) values (2, 2, 'n2', 'id', 'Asia/Jakarta', 0.01)
    on conflict (id) do update set chat_id = excluded.chat_id, name = excluded.name, active = true,
        inactive_reason = null, changed_at = now()
    returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s
, xmax = 0

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4
select 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s
 from subscriber s where s.id = 2

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4
update subscriber s set auto = true, active = s.active or true, changed_at = now(),
        inactive_reason = case when s.active or true then null else s.inactive_reason end
    where s.id = 2 returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s

-- => 0 rows
select from inbox where consumer = 'positions-signals' and message_id = 's:XAUUSD:trend_pullback:auto:M1:1767614340'

-- => 0 rows of int8 float8 int8
select since_ms, slippage_pips, until_ms from pause
    where symbol = 'XAUUSD' and since_ms <= 1767614400000 and (until_ms is null or until_ms > 1767614400000) limit 1

-- => 1 rows
insert into signal (id, symbol, strategy, strategy_version, interval, mode, side, entry, stop, targets, rr,
        strength, score, reasons, candle_open_s, quote_ms, raised_at)
    values ('s:XAUUSD:trend_pullback:auto:M1:1767614340', 'XAUUSD', 'trend_pullback', '1', 'M1', 'auto', 'BUY', 4000.0, 3998.0, '{4003.0}'::float8[], 1.5, 0.4, 6, '{reason.trf_with.buy,reason.macd_crossed.buy}', 1767614340, 1767614400000, '2026-11-23 09:01:27.540972+00:00'::timestamptz) on conflict (id) do nothing

-- => 1 rows of int8
select handed_to from signal where id = 's:XAUUSD:trend_pullback:auto:M1:1767614340' for no key update

-- => 2 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4 bool json
select 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s
, (
        select true from position p where p.subscriber_id = s.id and p.symbol = 'XAUUSD'
            and p.state in ('proposed', 'parked', 'open') limit 1
    ) is not null or (
        select true from position p where p.subscriber_id = s.id and p.symbol = 'XAUUSD'
            and p.state = 'closed' and p.closed_ms > 1767614400000 limit 1
    ) is not null, (
        select json_agg(json_build_array(p.side, p.entry, p.quote_ms)) from position p
        where p.subscriber_id = s.id and p.symbol = 'XAUUSD' and p.quote_ms > 1767614280000 and p.state <> 'void'
    ) from subscriber s
 where s.auto and s.active and s.id >  -9223372036854775808 order by s.id limit 250

-- => 1 rows of int8
select handed_to from signal where id = 's:XAUUSD:trend_pullback:auto:M1:1767614340' for no key update

-- => 0 rows
select from inbox where consumer = 'positions-signals' and message_id = 's:XAUUSD:trend_pullback:auto:M1:1767614340'

-- => 2 rows of text
with made as (
        insert into position (id, subscriber_id, lots, plan, targets, signal_id, symbol, side, mode, state, entry,
            initial_stop, stop, quote_ms, in_force_ms, proposed_at, expires_at)
        select id, subscriber_id, lots, plan, targets::float8[], 's:XAUUSD:trend_pullback:auto:M1:1767614340', 'XAUUSD', 'BUY', 'auto', 'proposed',
            4000.1, 3998.1, 3998.1, 1767614400000, 1767614400000, '2026-11-23 09:01:27.548467+00:00'::timestamptz, '2026-11-23 09:02:27.540972+00:00'::timestamptz
        from unnest('{p:88ae7cb3d6ae72ebffd02231185758e3,p:9359bbde24fe99cf5b8308e15e9a3b15}'::text[], '{1,2}'::int2[]::bigint[], '{0.01,0.01}'::numeric[]::numeric[], '{three+break_even+trailing,three+break_even+trailing}'::text[], '{"{4002.1,4003.1,4005.1}","{4002.1,4003.1,4005.1}"}'::text[])
            as made (id, subscriber_id, lots, plan, targets)
        order by subscriber_id
        on conflict do nothing returning id
    ), told as (
        insert into position_event (position_id, version, event, at, market_ms)
        select id, 1, 'proposed', '2026-11-23 09:01:27.548467+00:00'::timestamptz, 1767614400000 from made
    )
    select id from made

-- => 5 rows
insert into outbox (message_id, subject, body) select * from unnest('{draw:31a9c0894e76e1709f9af1fcc645cea8,f:proposed:p:88ae7cb3d6ae72ebffd02231185758e3,m:signal:p:88ae7cb3d6ae72ebffd02231185758e3,f:proposed:p:9359bbde24fe99cf5b8308e15e9a3b15,m:signal:p:9359bbde24fe99cf5b8308e15e9a3b15}'::text[], '{chart.v1.31a9c0894e76e1709f9af1fcc645cea8,position.v1.proposed.1,send.v1.signal.1,position.v1.proposed.2,send.v1.signal.2}'::text[],  E'{"\\\\x7b226964223a22647261773a3331613963303839346537366531373039663961663166636336343563656138222c226174223a22323032362d31312d32335430393a30313a32372e3534363934395a222c227472616365223a2230302d30376163336237353234303835636432663439363334346264383032643465622d643234643839626335373563353533382d3031222c2276223a312c226b6579223a223331613963303839346537366531373039663961663166636336343563656138222c2273796d626f6c223a22584155555344222c22696e74657276616c223a224d31222c22756e74696c5f73223a313736373631343334302c226c616e6775616765223a226964222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c226c6576656c73223a7b2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c226d6f6465223a226175746f222c227272223a312e35352c22737472656e677468223a302e342c2273636f7265223a367d2c22657870697265735f6174223a22323032362d31312d32335430393a30323a32372e3534303937325a227d","\\\\x7b226964223a22663a70726f706f7365643a703a3838616537636233643661653732656266666430323233313138353735386533222c226174223a22323032362d31312d32335430393a30313a32372e3534373035335a222c227472616365223a2230302d33363763346361636365323166313362383332663163373562313966623061352d326139393862303839653763366435642d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c22737562736372696265725f6964223a312c227369676e616c5f6964223a22733a5841555553443a7472656e645f70756c6c6261636b3a6175746f3a4d313a31373637363134333430222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c226c6f7473223a22302e3031222c2271756f74655f6d73223a313736373631343430303030302c22706c616e223a2274687265652b627265616b5f6576656e2b747261696c696e67227d","\\\\x7b226964223a226d3a7369676e616c3a703a3838616537636233643661653732656266666430323233313138353735386533222c226174223a22323032362d31312d32335430393a30313a32372e3534373035335a222c227472616365223a2230302d33363763346361636365323166313362383332663163373562313966623061352d326139393862303839653763366435642d3031222c2276223a312c22636861745f6964223a312c22737562736372696265725f6964223a312c226b696e64223a227369676e616c222c22636f6e74656e74223a7b2274797065223a227369676e616c222c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c2273686f72745f6964223a22344531474651222c2273796d626f6c223a22584155555344222c22696e74657276616c223a224d31222c226d6f6465223a226175746f222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c227272223a312e35352c22737472656e677468223a302e342c226c6f7473223a22302e3031222c227269736b223a22322e3030222c22706970223a302e312c22646967697473223a322c22726561736f6e73223a5b22726561736f6e2e7472665f776974682e627579222c22726561736f6e2e6d6163645f63726f737365642e627579225d2c226d61726b65745f6d73223a313736373631343430303030307d2c226c616e6775616765223a226964222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a22323032362d31312d32335430393a30323a32372e3534303937325a222c227265706c795f746f223a6e756c6c2c2263686172745f6b6579223a223331613963303839346537366531373039663961663166636336343563656138222c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d","\\\\x7b226964223a22663a70726f706f7365643a703a3933353962626465323466653939636635623833303865313565396133623135222c226174223a22323032362d31312d32335430393a30313a32372e3534373035335a222c227472616365223a2230302d33363763346361636365323166313362383332663163373562313966623061352d326139393862303839653763366435642d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c22737562736372696265725f6964223a322c227369676e616c5f6964223a22733a5841555553443a7472656e645f70756c6c6261636b3a6175746f3a4d313a31373637363134333430222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c226c6f7473223a22302e3031222c2271756f74655f6d73223a313736373631343430303030302c22706c616e223a2274687265652b627265616b5f6576656e2b747261696c696e67227d","\\\\x7b226964223a226d3a7369676e616c3a703a3933353962626465323466653939636635623833303865313565396133623135222c226174223a22323032362d31312d32335430393a30313a32372e3534373035335a222c227472616365223a2230302d33363763346361636365323166313362383332663163373562313966623061352d326139393862303839653763366435642d3031222c2276223a312c22636861745f6964223a322c22737562736372696265725f6964223a322c226b696e64223a227369676e616c222c22636f6e74656e74223a7b2274797065223a227369676e616c222c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c2273686f72745f6964223a22304b4e375347222c2273796d626f6c223a22584155555344222c22696e74657276616c223a224d31222c226d6f6465223a226175746f222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c227272223a312e35352c22737472656e677468223a302e342c226c6f7473223a22302e3031222c227269736b223a22322e3030222c22706970223a302e312c22646967697473223a322c22726561736f6e73223a5b22726561736f6e2e7472665f776974682e627579222c22726561736f6e2e6d6163645f63726f737365642e627579225d2c226d61726b65745f6d73223a313736373631343430303030307d2c226c616e6775616765223a226964222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a22323032362d31312d32335430393a30323a32372e3534303937325a222c227265706c795f746f223a6e756c6c2c2263686172745f6b6579223a223331613963303839346537366531373039663961663166636336343563656138222c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d"}'::bytea[]::bytea[]) on conflict (message_id) do nothing

-- => 1 rows
update signal set handed_to = NULL where id = 's:XAUUSD:trend_pullback:auto:M1:1767614340'

-- => 1 rows of ?
select pg_notify('positions_xauusd', '{"symbol":"XAUUSD","signal_id":"s:XAUUSD:trend_pullback:auto:M1:1767614340","voided_id":null,"people":{"after_id":-9223372036854775808,"until_id":2}}')

-- => 1 rows
insert into inbox (consumer, message_id) values ('positions-signals', 's:XAUUSD:trend_pullback:auto:M1:1767614340') on conflict do nothing

-- => 5 rows of int8 text text bytea
select id, message_id, subject, body from outbox
    where xid < pg_snapshot_xmin(pg_current_snapshot())
    order by id limit 250

-- => 5 rows
delete from outbox where id = any('{1,2,3,4,5}'::int2[])

-- => 2 rows of text text float8 float8 int8 text int4 text float8 float8 int8
select id, side, stop, targets, in_force_ms, stop_reason, jsonb_array_length(legs), plan, entry, initial_stop,
        quote_ms
    from position
    where symbol = 'XAUUSD' and state in ('proposed', 'open')
 and signal_id = 's:XAUUSD:trend_pullback:auto:M1:1767614340' and subscriber_id >  -9223372036854775808 and subscriber_id <= 2 order by id

-- => 1 rows of bool
select exists (select from outbox)

-- => 1 rows
insert into inbox (consumer, message_id) values ('positions-deliveries', 'm:signal:p:88ae7cb3d6ae72ebffd02231185758e3:delivered') on conflict do nothing

-- => 1 rows of text int8 int8 text text text text text text text float8 float8 float8 float8 numeric int8 int4 text float8 float8 float8 int8 bool text text jsonb
select 
    p.id, p.subscriber_id, s.chat_id, s.language, s.time_zone, p.signal_id, p.symbol, p.side, p.mode, p.state, p.entry,
    p.initial_stop, p.stop, p.targets, p.lots, p.quote_ms, p.version,
    p.exit_reason, p.exit_level, p.exit_price, p.slippage_pips, p.closed_ms, p.detected_late,
    p.plan, p.stop_reason, p.legs
 from position p join subscriber s on s.id = p.subscriber_id
    where p.id = any('{p:88ae7cb3d6ae72ebffd02231185758e3}') order by p.id for no key update of p

-- => 1 rows
with saved as (
        update position p set state = c.state, version = c.version, stop = c.stop, stop_reason = c.stop_reason,
            in_force_ms = greatest(p.in_force_ms, c.in_force_ms), legs = c.legs::jsonb,
            delivery_state = coalesce(c.delivery, p.delivery_state), void_reason = c.void_reason,
            exit_reason = c.exit_reason, exit_level = c.level, exit_price = c.price, slippage_pips = c.slippage,
            closed_ms = c.closed_ms, detected_late = c.late, pnl = c.pnl, r = c.r,
            opened_at = case when c.state in ('open', 'closed') then coalesce(p.opened_at, '2026-11-23 09:01:27.565491+00:00'::timestamptz) end,
            closed_at = case when c.state in ('closed', 'void') then '2026-11-23 09:01:27.565491+00:00'::timestamptz end
        from unnest('{p:88ae7cb3d6ae72ebffd02231185758e3}'::text[], '{1}'::int2[]::int[], '{2}'::int2[]::int[], '{open}'::text[], '{3998.1}'::float8[]::float8[],
            '{stop}'::text[], '{NULL}'::bigint[], '{[]}'::text[], '{delivered}'::text[],
            '{NULL}'::text[], '{NULL}'::text[], '{NULL}'::float8[], '{NULL}'::float8[],
            '{NULL}'::float8[], '{NULL}'::bigint[], '{f}'::bool[]::bool[], '{NULL}'::numeric[], '{NULL}'::float8[])
            as c (id, was, version, state, stop, stop_reason, in_force_ms, legs, delivery, void_reason, exit_reason,
                level, price, slippage, closed_ms, late, pnl, r)
        where p.id = c.id and p.version = c.was and p.state in ('proposed', 'parked', 'open')
        returning p.id
    )
    insert into position_event (position_id, version, event, at, market_ms, detail)
    select e.id, e.version, e.event, '2026-11-23 09:01:27.565491+00:00'::timestamptz, e.market_ms, e.detail::jsonb
    from unnest('{p:88ae7cb3d6ae72ebffd02231185758e3}'::text[], '{2}'::int2[]::int[], '{delivered}'::text[], '{1767614400000}'::int8[]::bigint[],
         E'{"{\\"delivery\\":\\"delivered\\"}"}'::text[]) as e (id, version, event, market_ms, detail)
    join saved on saved.id = e.id

-- => 0 rows of int8
update job set turn = turn + 1, begun_at = clock_timestamp(),
        leased_until = clock_timestamp() + make_interval(secs => 30.0)
    where name = (
        select name from job
        where name = 'forget' and next_run <= clock_timestamp()
            and (leased_until is null or leased_until < clock_timestamp())
        for update skip locked
    )
    returning turn

-- => 1 rows of float8
select greatest(0, extract(epoch from greatest(next_run, leased_until) - clock_timestamp()))::float8
    from job where name = 'forget'

-- => 1 rows
insert into outbox (message_id, subject, body) select * from unnest('{f:opened:p:88ae7cb3d6ae72ebffd02231185758e3}'::text[], '{position.v1.opened.1}'::text[],  E'{"\\\\x7b226964223a22663a6f70656e65643a703a3838616537636233643661653732656266666430323233313138353735386533222c226174223a22323032362d31312d32335430393a30313a32372e3536353439315a222c227472616365223a2230302d32383963373637663532323334666339396438623637363661343237616165652d336333656264663032383235313339302d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c22737562736372696265725f6964223a312c2273796d626f6c223a22584155555344227d"}'::bytea[]::bytea[]) on conflict (message_id) do nothing

-- => 0 rows of int8
update job set turn = turn + 1, begun_at = clock_timestamp(),
        leased_until = clock_timestamp() + make_interval(secs => 30.0)
    where name = (
        select name from job
        where name = 'daily_summary' and next_run <= clock_timestamp()
            and (leased_until is null or leased_until < clock_timestamp())
        for update skip locked
    )
    returning turn

-- => 0 rows of int8
update job set turn = turn + 1, begun_at = clock_timestamp(),
        leased_until = clock_timestamp() + make_interval(secs => 30.0)
    where name = (
        select name from job
        where name = 'archive' and next_run <= clock_timestamp()
            and (leased_until is null or leased_until < clock_timestamp())
        for update skip locked
    )
    returning turn

-- => 1 rows of float8
select greatest(0, extract(epoch from greatest(next_run, leased_until) - clock_timestamp()))::float8
    from job where name = 'daily_summary'

-- => 1 rows
delete from outbox where id = any('{6}'::int2[])

-- => 1 rows
insert into inbox (consumer, message_id) values ('positions-deliveries', 'm:signal:p:9359bbde24fe99cf5b8308e15e9a3b15:delivered') on conflict do nothing

-- => 1 rows of text int8 int8 text text text text text text text float8 float8 float8 float8 numeric int8 int4 text float8 float8 float8 int8 bool text text jsonb
select 
    p.id, p.subscriber_id, s.chat_id, s.language, s.time_zone, p.signal_id, p.symbol, p.side, p.mode, p.state, p.entry,
    p.initial_stop, p.stop, p.targets, p.lots, p.quote_ms, p.version,
    p.exit_reason, p.exit_level, p.exit_price, p.slippage_pips, p.closed_ms, p.detected_late,
    p.plan, p.stop_reason, p.legs
 from position p join subscriber s on s.id = p.subscriber_id
    where p.id = any('{p:9359bbde24fe99cf5b8308e15e9a3b15}') order by p.id for no key update of p

-- => 1 rows
with saved as (
        update position p set state = c.state, version = c.version, stop = c.stop, stop_reason = c.stop_reason,
            in_force_ms = greatest(p.in_force_ms, c.in_force_ms), legs = c.legs::jsonb,
            delivery_state = coalesce(c.delivery, p.delivery_state), void_reason = c.void_reason,
            exit_reason = c.exit_reason, exit_level = c.level, exit_price = c.price, slippage_pips = c.slippage,
            closed_ms = c.closed_ms, detected_late = c.late, pnl = c.pnl, r = c.r,
            opened_at = case when c.state in ('open', 'closed') then coalesce(p.opened_at, '2026-11-23 09:01:27.574973+00:00'::timestamptz) end,
            closed_at = case when c.state in ('closed', 'void') then '2026-11-23 09:01:27.574973+00:00'::timestamptz end
        from unnest('{p:9359bbde24fe99cf5b8308e15e9a3b15}'::text[], '{1}'::int2[]::int[], '{2}'::int2[]::int[], '{open}'::text[], '{3998.1}'::float8[]::float8[],
            '{stop}'::text[], '{NULL}'::bigint[], '{[]}'::text[], '{delivered}'::text[],
            '{NULL}'::text[], '{NULL}'::text[], '{NULL}'::float8[], '{NULL}'::float8[],
            '{NULL}'::float8[], '{NULL}'::bigint[], '{f}'::bool[]::bool[], '{NULL}'::numeric[], '{NULL}'::float8[])
            as c (id, was, version, state, stop, stop_reason, in_force_ms, legs, delivery, void_reason, exit_reason,
                level, price, slippage, closed_ms, late, pnl, r)
        where p.id = c.id and p.version = c.was and p.state in ('proposed', 'parked', 'open')
        returning p.id
    )
    insert into position_event (position_id, version, event, at, market_ms, detail)
    select e.id, e.version, e.event, '2026-11-23 09:01:27.574973+00:00'::timestamptz, e.market_ms, e.detail::jsonb
    from unnest('{p:9359bbde24fe99cf5b8308e15e9a3b15}'::text[], '{2}'::int2[]::int[], '{delivered}'::text[], '{1767614400000}'::int8[]::bigint[],
         E'{"{\\"delivery\\":\\"delivered\\"}"}'::text[]) as e (id, version, event, market_ms, detail)
    join saved on saved.id = e.id

-- => 1 rows
insert into outbox (message_id, subject, body) select * from unnest('{f:opened:p:9359bbde24fe99cf5b8308e15e9a3b15}'::text[], '{position.v1.opened.2}'::text[],  E'{"\\\\x7b226964223a22663a6f70656e65643a703a3933353962626465323466653939636635623833303865313565396133623135222c226174223a22323032362d31312d32335430393a30313a32372e3537343937335a222c227472616365223a2230302d33643434386135346339623439653138303632306164613961393030316363622d333963626362313961386564343039302d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c22737562736372696265725f6964223a322c2273796d626f6c223a22584155555344227d"}'::bytea[]::bytea[]) on conflict (message_id) do nothing

-- => 1 rows
delete from outbox where id = any('{7}'::int2[])

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4
update subscriber s set language = 'en', changed_at = now() where s.id = 1 returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4
update subscriber s set lots = 0.01, time_zone = 'Asia/Jakarta', balance = 1000.00, risk_percent = NULL,
        daily_loss_percent = 3.00, quiet_from_min = NULL, quiet_to_min = NULL,
        plan_targets = NULL, plan_break_even = NULL, plan_trailing = NULL,
        plan_tightening = NULL, plan_time_limit_s = NULL, changed_at = now()
    where s.id = 1 returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4
update subscriber s set lots = 0.01, time_zone = 'Asia/Jakarta', balance = 1000.00, risk_percent = 1.00,
        daily_loss_percent = 3.00, quiet_from_min = NULL, quiet_to_min = NULL,
        plan_targets = NULL, plan_break_even = NULL, plan_trailing = NULL,
        plan_tightening = NULL, plan_time_limit_s = NULL, changed_at = now()
    where s.id = 1 returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4
update subscriber s set lots = 0.01, time_zone = 'Asia/Jakarta', balance = 1000.00, risk_percent = 1.00,
        daily_loss_percent = 3.00, quiet_from_min = NULL, quiet_to_min = NULL,
        plan_targets = NULL, plan_break_even = NULL, plan_trailing = NULL,
        plan_tightening = NULL, plan_time_limit_s = NULL, changed_at = now()
    where s.id = 1 returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4
update subscriber s set lots = 0.01, time_zone = 'Asia/Jakarta', balance = 1000.00, risk_percent = 1.00,
        daily_loss_percent = 3.00, quiet_from_min = NULL, quiet_to_min = NULL,
        plan_targets = NULL, plan_break_even = true, plan_trailing = NULL,
        plan_tightening = NULL, plan_time_limit_s = NULL, changed_at = now()
    where s.id = 1 returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s

-- => 8 rows
with saved as (
        update position p set state = c.state, version = c.version, stop = c.stop, stop_reason = c.stop_reason,
            in_force_ms = greatest(p.in_force_ms, c.in_force_ms), legs = c.legs::jsonb,
            delivery_state = coalesce(c.delivery, p.delivery_state), void_reason = c.void_reason,
            exit_reason = c.exit_reason, exit_level = c.level, exit_price = c.price, slippage_pips = c.slippage,
            closed_ms = c.closed_ms, detected_late = c.late, pnl = c.pnl, r = c.r,
            opened_at = case when c.state in ('open', 'closed') then coalesce(p.opened_at, '2026-11-23 09:01:27.592274+00:00'::timestamptz) end,
            closed_at = case when c.state in ('closed', 'void') then '2026-11-23 09:01:27.592274+00:00'::timestamptz end
        from unnest('{p:88ae7cb3d6ae72ebffd02231185758e3,p:9359bbde24fe99cf5b8308e15e9a3b15}'::text[], '{2,2}'::int2[]::int[], '{6,6}'::int2[]::int[], '{open,open}'::text[], '{4002.7,4002.7}'::float8[]::float8[],
            '{trailing,trailing}'::text[], '{1767614402000,1767614402000}'::int8[]::bigint[],  E'{"[{\\"number\\":1,\\"share\\":\\"0.40\\",\\"exit\\":{\\"reason\\":\\"target\\",\\"level\\":4002.1,\\"price\\":4002.2,\\"slippage_pips\\":1.0,\\"closed_ms\\":1767614401000,\\"detected_late\\":false},\\"pnl\\":\\"0.84\\",\\"r\\":0.42},{\\"number\\":2,\\"share\\":\\"0.35\\",\\"exit\\":{\\"reason\\":\\"target\\",\\"level\\":4003.1,\\"price\\":4003.2,\\"slippage_pips\\":1.0,\\"closed_ms\\":1767614402000,\\"detected_late\\":false},\\"pnl\\":\\"1.08\\",\\"r\\":0.5425}]","[{\\"number\\":1,\\"share\\":\\"0.40\\",\\"exit\\":{\\"reason\\":\\"target\\",\\"level\\":4002.1,\\"price\\":4002.2,\\"slippage_pips\\":1.0,\\"closed_ms\\":1767614401000,\\"detected_late\\":false},\\"pnl\\":\\"0.84\\",\\"r\\":0.42},{\\"number\\":2,\\"share\\":\\"0.35\\",\\"exit\\":{\\"reason\\":\\"target\\",\\"level\\":4003.1,\\"price\\":4003.2,\\"slippage_pips\\":1.0,\\"closed_ms\\":1767614402000,\\"detected_late\\":false},\\"pnl\\":\\"1.08\\",\\"r\\":0.5425}]"}'::text[], '{NULL,NULL}'::text[],
            '{NULL,NULL}'::text[], '{NULL,NULL}'::text[], '{NULL,NULL}'::float8[], '{NULL,NULL}'::float8[],
            '{NULL,NULL}'::float8[], '{NULL,NULL}'::bigint[], '{f,f}'::bool[]::bool[], '{NULL,NULL}'::numeric[], '{NULL,NULL}'::float8[])
            as c (id, was, version, state, stop, stop_reason, in_force_ms, legs, delivery, void_reason, exit_reason,
                level, price, slippage, closed_ms, late, pnl, r)
        where p.id = c.id and p.version = c.was and p.state in ('proposed', 'parked', 'open')
        returning p.id
    )
    insert into position_event (position_id, version, event, at, market_ms, detail)
    select e.id, e.version, e.event, '2026-11-23 09:01:27.592274+00:00'::timestamptz, e.market_ms, e.detail::jsonb
    from unnest('{p:88ae7cb3d6ae72ebffd02231185758e3,p:88ae7cb3d6ae72ebffd02231185758e3,p:88ae7cb3d6ae72ebffd02231185758e3,p:88ae7cb3d6ae72ebffd02231185758e3,p:9359bbde24fe99cf5b8308e15e9a3b15,p:9359bbde24fe99cf5b8308e15e9a3b15,p:9359bbde24fe99cf5b8308e15e9a3b15,p:9359bbde24fe99cf5b8308e15e9a3b15}'::text[], '{3,4,5,6,3,4,5,6}'::int2[]::int[], '{reduced,moved,reduced,moved,reduced,moved,reduced,moved}'::text[], '{1767614401000,1767614401000,1767614402000,1767614402000,1767614401000,1767614401000,1767614402000,1767614402000}'::int8[]::bigint[],
         E'{"{\\"leg\\":{\\"number\\":1,\\"share\\":\\"0.40\\",\\"exit\\":{\\"reason\\":\\"target\\",\\"level\\":4002.1,\\"price\\":4002.2,\\"slippage_pips\\":1.0,\\"closed_ms\\":1767614401000,\\"detected_late\\":false},\\"pnl\\":\\"0.84\\",\\"r\\":0.42}}","{\\"stop\\":4001.7,\\"reason\\":\\"trailing\\",\\"at_ms\\":1767614401000}","{\\"leg\\":{\\"number\\":2,\\"share\\":\\"0.35\\",\\"exit\\":{\\"reason\\":\\"target\\",\\"level\\":4003.1,\\"price\\":4003.2,\\"slippage_pips\\":1.0,\\"closed_ms\\":1767614402000,\\"detected_late\\":false},\\"pnl\\":\\"1.08\\",\\"r\\":0.5425}}","{\\"stop\\":4002.7,\\"reason\\":\\"trailing\\",\\"at_ms\\":1767614402000}","{\\"leg\\":{\\"number\\":1,\\"share\\":\\"0.40\\",\\"exit\\":{\\"reason\\":\\"target\\",\\"level\\":4002.1,\\"price\\":4002.2,\\"slippage_pips\\":1.0,\\"closed_ms\\":1767614401000,\\"detected_late\\":false},\\"pnl\\":\\"0.84\\",\\"r\\":0.42}}","{\\"stop\\":4001.7,\\"reason\\":\\"trailing\\",\\"at_ms\\":1767614401000}","{\\"leg\\":{\\"number\\":2,\\"share\\":\\"0.35\\",\\"exit\\":{\\"reason\\":\\"target\\",\\"level\\":4003.1,\\"price\\":4003.2,\\"slippage_pips\\":1.0,\\"closed_ms\\":1767614402000,\\"detected_late\\":false},\\"pnl\\":\\"1.08\\",\\"r\\":0.5425}}","{\\"stop\\":4002.7,\\"reason\\":\\"trailing\\",\\"at_ms\\":1767614402000}"}'::text[]) as e (id, version, event, market_ms, detail)
    join saved on saved.id = e.id

-- => 10 rows
insert into outbox (message_id, subject, body) select * from unnest('{f:reduced1:p:88ae7cb3d6ae72ebffd02231185758e3,m:target1:p:88ae7cb3d6ae72ebffd02231185758e3,f:reduced2:p:88ae7cb3d6ae72ebffd02231185758e3,m:target2:p:88ae7cb3d6ae72ebffd02231185758e3,f:stop6:p:88ae7cb3d6ae72ebffd02231185758e3,f:reduced1:p:9359bbde24fe99cf5b8308e15e9a3b15,m:target1:p:9359bbde24fe99cf5b8308e15e9a3b15,f:reduced2:p:9359bbde24fe99cf5b8308e15e9a3b15,m:target2:p:9359bbde24fe99cf5b8308e15e9a3b15,f:stop6:p:9359bbde24fe99cf5b8308e15e9a3b15}'::text[], '{position.v1.reduced.1,send.v1.exit.1,position.v1.reduced.1,send.v1.exit.1,position.v1.stop_moved.1,position.v1.reduced.2,send.v1.exit.2,position.v1.reduced.2,send.v1.exit.2,position.v1.stop_moved.2}'::text[],  E'{"\\\\x7b226964223a22663a72656475636564313a703a3838616537636233643661653732656266666430323233313138353735386533222c226174223a22323032362d31312d32335430393a30313a32372e3539323237345a222c227472616365223a2230302d66333364313063303164363032613263363165613166363334656634336561632d313539376165363963363264353034652d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c22737562736372696265725f6964223a312c2273796d626f6c223a22584155555344222c226e756d626572223a312c227368617265223a22302e3430222c226c6576656c223a343030322e312c2265786974223a343030322e322c22736c6970706167655f70697073223a312e302c22706e6c223a22302e3834222c2272223a302e34322c22636c6f7365645f6d73223a313736373631343430313030302c2264657465637465645f6c617465223a66616c73657d","\\\\x7b226964223a226d3a746172676574313a703a3838616537636233643661653732656266666430323233313138353735386533222c226174223a22323032362d31312d32335430393a30313a32372e3539323237345a222c227472616365223a2230302d66333364313063303164363032613263363165613166363334656634336561632d313539376165363963363264353034652d3031222c2276223a312c22636861745f6964223a312c22737562736372696265725f6964223a312c226b696e64223a2265786974222c22636f6e74656e74223a7b2274797065223a2272656475636564222c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c2273686f72745f6964223a22344531474651222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c226e756d626572223a312c2274617267657473223a332c227368617265223a22302e3430222c22656e747279223a343030302e312c2265786974223a343030322e322c2273746f70223a343030322e372c22736c6970706167655f70697073223a312e302c22646967697473223a322c22706e6c223a22302e3834222c2272223a302e34322c226d61726b65745f6d73223a313736373631343430313030302c2264657465637465645f6c617465223a66616c73657d2c226c616e6775616765223a22656e222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a6e756c6c2c227265706c795f746f223a226d3a7369676e616c3a703a3838616537636233643661653732656266666430323233313138353735386533222c2263686172745f6b6579223a6e756c6c2c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d","\\\\x7b226964223a22663a72656475636564323a703a3838616537636233643661653732656266666430323233313138353735386533222c226174223a22323032362d31312d32335430393a30313a32372e3539323237345a222c227472616365223a2230302d66333364313063303164363032613263363165613166363334656634336561632d313539376165363963363264353034652d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c22737562736372696265725f6964223a312c2273796d626f6c223a22584155555344222c226e756d626572223a322c227368617265223a22302e3335222c226c6576656c223a343030332e312c2265786974223a343030332e322c22736c6970706167655f70697073223a312e302c22706e6c223a22312e3038222c2272223a302e353432352c22636c6f7365645f6d73223a313736373631343430323030302c2264657465637465645f6c617465223a66616c73657d","\\\\x7b226964223a226d3a746172676574323a703a3838616537636233643661653732656266666430323233313138353735386533222c226174223a22323032362d31312d32335430393a30313a32372e3539323237345a222c227472616365223a2230302d66333364313063303164363032613263363165613166363334656634336561632d313539376165363963363264353034652d3031222c2276223a312c22636861745f6964223a312c22737562736372696265725f6964223a312c226b696e64223a2265786974222c22636f6e74656e74223a7b2274797065223a2272656475636564222c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c2273686f72745f6964223a22344531474651222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c226e756d626572223a322c2274617267657473223a332c227368617265223a22302e3335222c22656e747279223a343030302e312c2265786974223a343030332e322c2273746f70223a343030322e372c22736c6970706167655f70697073223a312e302c22646967697473223a322c22706e6c223a22312e3038222c2272223a302e353432352c226d61726b65745f6d73223a313736373631343430323030302c2264657465637465645f6c617465223a66616c73657d2c226c616e6775616765223a22656e222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a6e756c6c2c227265706c795f746f223a226d3a7369676e616c3a703a3838616537636233643661653732656266666430323233313138353735386533222c2263686172745f6b6579223a6e756c6c2c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d","\\\\x7b226964223a22663a73746f70363a703a3838616537636233643661653732656266666430323233313138353735386533222c226174223a22323032362d31312d32335430393a30313a32372e3539323237345a222c227472616365223a2230302d66333364313063303164363032613263363165613166363334656634336561632d313539376165363963363264353034652d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c22737562736372696265725f6964223a312c2273796d626f6c223a22584155555344222c2273746f70223a343030322e372c22726561736f6e223a22747261696c696e67222c226d6f7665645f6d73223a313736373631343430323030307d","\\\\x7b226964223a22663a72656475636564313a703a3933353962626465323466653939636635623833303865313565396133623135222c226174223a22323032362d31312d32335430393a30313a32372e3539323237345a222c227472616365223a2230302d66333364313063303164363032613263363165613166363334656634336561632d666664333237646539613534626435622d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c22737562736372696265725f6964223a322c2273796d626f6c223a22584155555344222c226e756d626572223a312c227368617265223a22302e3430222c226c6576656c223a343030322e312c2265786974223a343030322e322c22736c6970706167655f70697073223a312e302c22706e6c223a22302e3834222c2272223a302e34322c22636c6f7365645f6d73223a313736373631343430313030302c2264657465637465645f6c617465223a66616c73657d","\\\\x7b226964223a226d3a746172676574313a703a3933353962626465323466653939636635623833303865313565396133623135222c226174223a22323032362d31312d32335430393a30313a32372e3539323237345a222c227472616365223a2230302d66333364313063303164363032613263363165613166363334656634336561632d666664333237646539613534626435622d3031222c2276223a312c22636861745f6964223a322c22737562736372696265725f6964223a322c226b696e64223a2265786974222c22636f6e74656e74223a7b2274797065223a2272656475636564222c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c2273686f72745f6964223a22304b4e375347222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c226e756d626572223a312c2274617267657473223a332c227368617265223a22302e3430222c22656e747279223a343030302e312c2265786974223a343030322e322c2273746f70223a343030322e372c22736c6970706167655f70697073223a312e302c22646967697473223a322c22706e6c223a22302e3834222c2272223a302e34322c226d61726b65745f6d73223a313736373631343430313030302c2264657465637465645f6c617465223a66616c73657d2c226c616e6775616765223a226964222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a6e756c6c2c227265706c795f746f223a226d3a7369676e616c3a703a3933353962626465323466653939636635623833303865313565396133623135222c2263686172745f6b6579223a6e756c6c2c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d","\\\\x7b226964223a22663a72656475636564323a703a3933353962626465323466653939636635623833303865313565396133623135222c226174223a22323032362d31312d32335430393a30313a32372e3539323237345a222c227472616365223a2230302d66333364313063303164363032613263363165613166363334656634336561632d666664333237646539613534626435622d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c22737562736372696265725f6964223a322c2273796d626f6c223a22584155555344222c226e756d626572223a322c227368617265223a22302e3335222c226c6576656c223a343030332e312c2265786974223a343030332e322c22736c6970706167655f70697073223a312e302c22706e6c223a22312e3038222c2272223a302e353432352c22636c6f7365645f6d73223a313736373631343430323030302c2264657465637465645f6c617465223a66616c73657d","\\\\x7b226964223a226d3a746172676574323a703a3933353962626465323466653939636635623833303865313565396133623135222c226174223a22323032362d31312d32335430393a30313a32372e3539323237345a222c227472616365223a2230302d66333364313063303164363032613263363165613166363334656634336561632d666664333237646539613534626435622d3031222c2276223a312c22636861745f6964223a322c22737562736372696265725f6964223a322c226b696e64223a2265786974222c22636f6e74656e74223a7b2274797065223a2272656475636564222c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c2273686f72745f6964223a22304b4e375347222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c226e756d626572223a322c2274617267657473223a332c227368617265223a22302e3335222c22656e747279223a343030302e312c2265786974223a343030332e322c2273746f70223a343030322e372c22736c6970706167655f70697073223a312e302c22646967697473223a322c22706e6c223a22312e3038222c2272223a302e353432352c226d61726b65745f6d73223a313736373631343430323030302c2264657465637465645f6c617465223a66616c73657d2c226c616e6775616765223a226964222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a6e756c6c2c227265706c795f746f223a226d3a7369676e616c3a703a3933353962626465323466653939636635623833303865313565396133623135222c2263686172745f6b6579223a6e756c6c2c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d","\\\\x7b226964223a22663a73746f70363a703a3933353962626465323466653939636635623833303865313565396133623135222c226174223a22323032362d31312d32335430393a30313a32372e3539323237345a222c227472616365223a2230302d66333364313063303164363032613263363165613166363334656634336561632d666664333237646539613534626435622d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c22737562736372696265725f6964223a322c2273796d626f6c223a22584155555344222c2273746f70223a343030322e372c22726561736f6e223a22747261696c696e67222c226d6f7665645f6d73223a313736373631343430323030307d"}'::bytea[]::bytea[]) on conflict (message_id) do nothing

-- => 1 rows
update progress set sequence = 3, epoch_ms = 1767614402000, rewind_sequence = 1, rewind_epoch_ms = 1767614400000, saved_at = now()
    where symbol = 'XAUUSD' and tenure = 1

-- => 10 rows
delete from outbox where id = any('{8,9,10,11,12,13,14,15,16,17}'::int2[])

-- => 1 rows of text text text
select set_config('role', 'sinyal_reader', true), set_config('transaction_read_only', 'on', true), set_config('sinyal.subscriber_id', '1', true)

-- => 1 rows of text int8 int8 text text text text text text text float8 float8 float8 float8 numeric int8 int4 text float8 float8 float8 int8 bool text text jsonb
select 
    p.id, p.subscriber_id, s.chat_id, s.language, s.time_zone, p.signal_id, p.symbol, p.side, p.mode, p.state, p.entry,
    p.initial_stop, p.stop, p.targets, p.lots, p.quote_ms, p.version,
    p.exit_reason, p.exit_level, p.exit_price, p.slippage_pips, p.closed_ms, p.detected_late,
    p.plan, p.stop_reason, p.legs
 from position p join subscriber s on s.id = p.subscriber_id
    where p.subscriber_id = 1 and p.symbol = 'XAUUSD' and p.state in ('proposed', 'parked', 'open')

-- => 1 rows of text text text
select set_config('role', 'sinyal_reader', true), set_config('transaction_read_only', 'on', true), set_config('sinyal.subscriber_id', '1', true)

-- => 0 rows of text text text text float8 float8 text numeric float8 int8 int8
select id, symbol, side, mode, entry, exit_price, exit_reason, pnl, r, opened_ms, closed_ms from trade
    where subscriber_id = 1 order by closed_ms desc, id limit 5 offset 15

-- => 1 rows of int8 int8 int8 numeric
select count(*), count(*) filter (where pnl > 0), count(*) filter (where pnl < 0), coalesce(sum(pnl), 0)
    from trade where subscriber_id = 1

-- => 0 rows of text text text text float8 float8 text numeric float8 int8 int8
select id, symbol, side, mode, entry, exit_price, exit_reason, pnl, r, opened_ms, closed_ms from trade
    where subscriber_id = 1 order by closed_ms desc, id limit 5 offset 0

-- => 1 rows of int8 int8 int8 numeric
select count(*), count(*) filter (where pnl > 0), count(*) filter (where pnl < 0), coalesce(sum(pnl), 0)
    from trade where subscriber_id = 1

-- => 1 rows of text timestamptz bool
select g.reasons, p.proposed_at, p.state in ('proposed', 'parked', 'open') from position p join signal g on g.id = p.signal_id
    where p.subscriber_id = 1
 and p.state <> 'void' order by p.proposed_at desc limit 1

-- => 0 rows of text text text timestamptz text int8
select symbol, mode, reasons, refused_at, signal_id, market_ms from refusal
    where subscriber_id = 1 order by refused_at desc limit 1

-- => 1 rows of text timestamptz bool
select g.reasons, p.proposed_at, p.state in ('proposed', 'parked', 'open') from position p join signal g on g.id = p.signal_id
    where p.subscriber_id = 1
 and p.id = 'p:88ae7cb3d6ae72ebffd02231185758e3'

-- => 1 rows of text int8 int8 text text text text text text text float8 float8 float8 float8 numeric int8 int4 text float8 float8 float8 int8 bool text text jsonb text float8 float8 int4 int8
select 
    p.id, p.subscriber_id, s.chat_id, s.language, s.time_zone, p.signal_id, p.symbol, p.side, p.mode, p.state, p.entry,
    p.initial_stop, p.stop, p.targets, p.lots, p.quote_ms, p.version,
    p.exit_reason, p.exit_level, p.exit_price, p.slippage_pips, p.closed_ms, p.detected_late,
    p.plan, p.stop_reason, p.legs
, g.interval, g.rr, g.strength, g.score, case when p.state = 'closed' then p.closed_ms end
    from position p join subscriber s on s.id = p.subscriber_id join signal g on g.id = p.signal_id
    where p.subscriber_id = 1
 and p.symbol = 'XAUUSD' and p.state in ('proposed', 'parked', 'open')

-- => 1 rows of text int8 int8 text text text text text text text float8 float8 float8 float8 numeric int8 int4 text float8 float8 float8 int8 bool text text jsonb text float8 float8 int4 int8
select 
    p.id, p.subscriber_id, s.chat_id, s.language, s.time_zone, p.signal_id, p.symbol, p.side, p.mode, p.state, p.entry,
    p.initial_stop, p.stop, p.targets, p.lots, p.quote_ms, p.version,
    p.exit_reason, p.exit_level, p.exit_price, p.slippage_pips, p.closed_ms, p.detected_late,
    p.plan, p.stop_reason, p.legs
, g.interval, g.rr, g.strength, g.score, case when p.state = 'closed' then p.closed_ms end
    from position p join subscriber s on s.id = p.subscriber_id join signal g on g.id = p.signal_id
    where p.subscriber_id = 1
 and p.id = 'p:88ae7cb3d6ae72ebffd02231185758e3'

-- => 2 rows
with saved as (
        update position p set state = c.state, version = c.version, stop = c.stop, stop_reason = c.stop_reason,
            in_force_ms = greatest(p.in_force_ms, c.in_force_ms), legs = c.legs::jsonb,
            delivery_state = coalesce(c.delivery, p.delivery_state), void_reason = c.void_reason,
            exit_reason = c.exit_reason, exit_level = c.level, exit_price = c.price, slippage_pips = c.slippage,
            closed_ms = c.closed_ms, detected_late = c.late, pnl = c.pnl, r = c.r,
            opened_at = case when c.state in ('open', 'closed') then coalesce(p.opened_at, '2026-11-23 09:01:27.616677+00:00'::timestamptz) end,
            closed_at = case when c.state in ('closed', 'void') then '2026-11-23 09:01:27.616677+00:00'::timestamptz end
        from unnest('{p:88ae7cb3d6ae72ebffd02231185758e3,p:9359bbde24fe99cf5b8308e15e9a3b15}'::text[], '{6,6}'::int2[]::int[], '{7,7}'::int2[]::int[], '{closed,closed}'::text[], '{4002.7,4002.7}'::float8[]::float8[],
            '{trailing,trailing}'::text[], '{1767614403000,1767614403000}'::int8[]::bigint[],  E'{"[{\\"number\\":1,\\"share\\":\\"0.40\\",\\"exit\\":{\\"reason\\":\\"target\\",\\"level\\":4002.1,\\"price\\":4002.2,\\"slippage_pips\\":1.0,\\"closed_ms\\":1767614401000,\\"detected_late\\":false},\\"pnl\\":\\"0.84\\",\\"r\\":0.42},{\\"number\\":2,\\"share\\":\\"0.35\\",\\"exit\\":{\\"reason\\":\\"target\\",\\"level\\":4003.1,\\"price\\":4003.2,\\"slippage_pips\\":1.0,\\"closed_ms\\":1767614402000,\\"detected_late\\":false},\\"pnl\\":\\"1.08\\",\\"r\\":0.5425}]","[{\\"number\\":1,\\"share\\":\\"0.40\\",\\"exit\\":{\\"reason\\":\\"target\\",\\"level\\":4002.1,\\"price\\":4002.2,\\"slippage_pips\\":1.0,\\"closed_ms\\":1767614401000,\\"detected_late\\":false},\\"pnl\\":\\"0.84\\",\\"r\\":0.42},{\\"number\\":2,\\"share\\":\\"0.35\\",\\"exit\\":{\\"reason\\":\\"target\\",\\"level\\":4003.1,\\"price\\":4003.2,\\"slippage_pips\\":1.0,\\"closed_ms\\":1767614402000,\\"detected_late\\":false},\\"pnl\\":\\"1.08\\",\\"r\\":0.5425}]"}'::text[], '{NULL,NULL}'::text[],
            '{NULL,NULL}'::text[], '{trailing,trailing}'::text[], '{4002.7,4002.7}'::float8[]::float8[], '{3980.0,3980.0}'::float8[]::float8[],
            '{227.0,227.0}'::float8[]::float8[], '{1767614403000,1767614403000}'::int8[]::bigint[], '{f,f}'::bool[]::bool[], '{-3.10,-3.10}'::numeric[]::numeric[], '{-1.55,-1.55}'::float8[]::float8[])
            as c (id, was, version, state, stop, stop_reason, in_force_ms, legs, delivery, void_reason, exit_reason,
                level, price, slippage, closed_ms, late, pnl, r)
        where p.id = c.id and p.version = c.was and p.state in ('proposed', 'parked', 'open')
        returning p.id
    )
    insert into position_event (position_id, version, event, at, market_ms, detail)
    select e.id, e.version, e.event, '2026-11-23 09:01:27.616677+00:00'::timestamptz, e.market_ms, e.detail::jsonb
    from unnest('{p:88ae7cb3d6ae72ebffd02231185758e3,p:9359bbde24fe99cf5b8308e15e9a3b15}'::text[], '{7,7}'::int2[]::int[], '{crossed,crossed}'::text[], '{1767614403000,1767614403000}'::int8[]::bigint[],
         E'{"{\\"exit\\":{\\"reason\\":\\"trailing\\",\\"level\\":4002.7,\\"price\\":3980.0,\\"slippage_pips\\":227.0,\\"closed_ms\\":1767614403000,\\"detected_late\\":false}}","{\\"exit\\":{\\"reason\\":\\"trailing\\",\\"level\\":4002.7,\\"price\\":3980.0,\\"slippage_pips\\":227.0,\\"closed_ms\\":1767614403000,\\"detected_late\\":false}}"}'::text[]) as e (id, version, event, market_ms, detail)
    join saved on saved.id = e.id

-- => 2 rows of int8 numeric int8
select d.subscriber_id, coalesce(sum(p.pnl), 0), count(p.id)
    from unnest('{1,2}'::int2[]::bigint[], '{1767546000000,1767546000000}'::int8[]::bigint[], '{1767632400000,1767632400000}'::int8[]::bigint[]) as d (subscriber_id, from_ms, to_ms)
    left join position p on p.subscriber_id = d.subscriber_id and p.state = 'closed'
        and p.closed_ms >= d.from_ms and p.closed_ms < d.to_ms
    group by d.subscriber_id

-- => 4 rows
insert into outbox (message_id, subject, body) select * from unnest('{f:closed:p:88ae7cb3d6ae72ebffd02231185758e3,m:outcome:p:88ae7cb3d6ae72ebffd02231185758e3,f:closed:p:9359bbde24fe99cf5b8308e15e9a3b15,m:outcome:p:9359bbde24fe99cf5b8308e15e9a3b15}'::text[], '{position.v1.closed.1,send.v1.exit.1,position.v1.closed.2,send.v1.exit.2}'::text[],  E'{"\\\\x7b226964223a22663a636c6f7365643a703a3838616537636233643661653732656266666430323233313138353735386533222c226174223a22323032362d31312d32335430393a30313a32372e3631363637375a222c227472616365223a2230302d65316133393163336537366539613939656132663835366566623963313837302d326530363633633066343034356236612d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c22737562736372696265725f6964223a312c227369676e616c5f6964223a22733a5841555553443a7472656e645f70756c6c6261636b3a6175746f3a4d313a31373637363134333430222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c22726561736f6e223a22747261696c696e67222c22656e747279223a343030302e312c226c6576656c223a343030322e372c2265786974223a333938302e302c22736c6970706167655f70697073223a3232372e302c226c6f7473223a22302e3031222c22706e6c223a222d332e3130222c2272223a2d312e35352c226f70656e65645f6d73223a313736373631343430303030302c22636c6f7365645f6d73223a313736373631343430333030302c2264657465637465645f6c617465223a66616c73657d","\\\\x7b226964223a226d3a6f7574636f6d653a703a3838616537636233643661653732656266666430323233313138353735386533222c226174223a22323032362d31312d32335430393a30313a32372e3631363637375a222c227472616365223a2230302d65316133393163336537366539613939656132663835366566623963313837302d326530363633633066343034356236612d3031222c2276223a312c22636861745f6964223a312c22737562736372696265725f6964223a312c226b696e64223a2265786974222c22636f6e74656e74223a7b2274797065223a226f7574636f6d65222c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c2273686f72745f6964223a22344531474651222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c22726561736f6e223a22747261696c696e67222c22656e747279223a343030302e312c2265786974223a333938302e302c22736c6970706167655f70697073223a3232372e302c22646967697473223a322c22706e6c223a222d332e3130222c2272223a2d312e35352c226f70656e65645f6d73223a313736373631343430303030302c22636c6f7365645f6d73223a313736373631343430333030302c226461795f706e6c223a222d332e3130222c226461795f747261646573223a312c2264657465637465645f6c617465223a66616c73657d2c226c616e6775616765223a22656e222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a6e756c6c2c227265706c795f746f223a226d3a7369676e616c3a703a3838616537636233643661653732656266666430323233313138353735386533222c2263686172745f6b6579223a6e756c6c2c22706f736974696f6e5f6964223a22703a3838616537636233643661653732656266666430323233313138353735386533222c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d","\\\\x7b226964223a22663a636c6f7365643a703a3933353962626465323466653939636635623833303865313565396133623135222c226174223a22323032362d31312d32335430393a30313a32372e3631363637375a222c227472616365223a2230302d65316133393163336537366539613939656132663835366566623963313837302d336134313235323665363330393935382d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c22737562736372696265725f6964223a322c227369676e616c5f6964223a22733a5841555553443a7472656e645f70756c6c6261636b3a6175746f3a4d313a31373637363134333430222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c22726561736f6e223a22747261696c696e67222c22656e747279223a343030302e312c226c6576656c223a343030322e372c2265786974223a333938302e302c22736c6970706167655f70697073223a3232372e302c226c6f7473223a22302e3031222c22706e6c223a222d332e3130222c2272223a2d312e35352c226f70656e65645f6d73223a313736373631343430303030302c22636c6f7365645f6d73223a313736373631343430333030302c2264657465637465645f6c617465223a66616c73657d","\\\\x7b226964223a226d3a6f7574636f6d653a703a3933353962626465323466653939636635623833303865313565396133623135222c226174223a22323032362d31312d32335430393a30313a32372e3631363637375a222c227472616365223a2230302d65316133393163336537366539613939656132663835366566623963313837302d336134313235323665363330393935382d3031222c2276223a312c22636861745f6964223a322c22737562736372696265725f6964223a322c226b696e64223a2265786974222c22636f6e74656e74223a7b2274797065223a226f7574636f6d65222c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c2273686f72745f6964223a22304b4e375347222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c22726561736f6e223a22747261696c696e67222c22656e747279223a343030302e312c2265786974223a333938302e302c22736c6970706167655f70697073223a3232372e302c22646967697473223a322c22706e6c223a222d332e3130222c2272223a2d312e35352c226f70656e65645f6d73223a313736373631343430303030302c22636c6f7365645f6d73223a313736373631343430333030302c226461795f706e6c223a222d332e3130222c226461795f747261646573223a312c2264657465637465645f6c617465223a66616c73657d2c226c616e6775616765223a226964222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a6e756c6c2c227265706c795f746f223a226d3a7369676e616c3a703a3933353962626465323466653939636635623833303865313565396133623135222c2263686172745f6b6579223a6e756c6c2c22706f736974696f6e5f6964223a22703a3933353962626465323466653939636635623833303865313565396133623135222c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d"}'::bytea[]::bytea[]) on conflict (message_id) do nothing

-- => 1 rows
insert into pause (symbol, since_ms, slippage_pips, until_ms) values ('XAUUSD', 1767614403000, 227.0, NULL)
    on conflict (symbol, since_ms) do update set until_ms = coalesce(pause.until_ms, excluded.until_ms)

-- => 4 rows
delete from outbox where id = any('{18,19,20,21}'::int2[])

-- => 1 rows
insert into outbox (message_id, subject, body) select * from unnest('{m:paused:XAUUSD:1767614403000:900}'::text[], '{send.v1.reply.900}'::text[],  E'{"\\\\x7b226964223a226d3a7061757365643a5841555553443a313736373631343430333030303a393030222c226174223a22323032362d31312d32335430393a30313a32372e3632313931335a222c227472616365223a2230302d66633564346234346130633132356438303533623333346433383838653530332d346635306237303564346434396338362d3031222c2276223a312c22636861745f6964223a3930302c22737562736372696265725f6964223a3930302c226b696e64223a227265706c79222c22636f6e74656e74223a7b2274797065223a227061757365222c2273796d626f6c223a22584155555344222c2269735f706175736564223a747275652c22736c6970706167655f70697073223a3232372e302c2273696e63655f6d73223a313736373631343430333030307d2c226c616e6775616765223a226964222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a6e756c6c2c227265706c795f746f223a6e756c6c2c2263686172745f6b6579223a6e756c6c2c22706f736974696f6e5f6964223a6e756c6c2c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d"}'::bytea[]::bytea[]) on conflict (message_id) do nothing

-- => 1 rows
update progress set sequence = 4, epoch_ms = 1767614403000, rewind_sequence = 1, rewind_epoch_ms = 1767614400000, saved_at = now()
    where symbol = 'XAUUSD' and tenure = 1

-- => 1 rows
delete from outbox where id = any('{22}'::int2[])

-- => 1 rows
insert into pause (symbol, since_ms, slippage_pips, until_ms) values ('XAUUSD', 1767614403000, 227.0, 1767614423000)
    on conflict (symbol, since_ms) do update set until_ms = coalesce(pause.until_ms, excluded.until_ms)

-- => 1 rows
insert into outbox (message_id, subject, body) select * from unnest('{m:resumed:XAUUSD:1767614403000:900}'::text[], '{send.v1.reply.900}'::text[],  E'{"\\\\x7b226964223a226d3a726573756d65643a5841555553443a313736373631343430333030303a393030222c226174223a22323032362d31312d32335430393a30313a32372e3632383431365a222c227472616365223a2230302d34396163393433313234333139303538626530313566396362356332316539382d653232313965383436633064626363362d3031222c2276223a312c22636861745f6964223a3930302c22737562736372696265725f6964223a3930302c226b696e64223a227265706c79222c22636f6e74656e74223a7b2274797065223a227061757365222c2273796d626f6c223a22584155555344222c2269735f706175736564223a66616c73652c22736c6970706167655f70697073223a3232372e302c2273696e63655f6d73223a313736373631343432333030307d2c226c616e6775616765223a226964222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a6e756c6c2c227265706c795f746f223a6e756c6c2c2263686172745f6b6579223a6e756c6c2c22706f736974696f6e5f6964223a6e756c6c2c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d"}'::bytea[]::bytea[]) on conflict (message_id) do nothing

-- => 1 rows
update progress set sequence = 29, epoch_ms = 1767614428000, rewind_sequence = 1, rewind_epoch_ms = 1767614400000, saved_at = now()
    where symbol = 'XAUUSD' and tenure = 1

-- => 1 rows
delete from outbox where id = any('{23}'::int2[])

-- => 0 rows of text int8 int8 text text text text text text text float8 float8 float8 float8 numeric int8 int4 text float8 float8 float8 int8 bool text text jsonb
select 
    p.id, p.subscriber_id, s.chat_id, s.language, s.time_zone, p.signal_id, p.symbol, p.side, p.mode, p.state, p.entry,
    p.initial_stop, p.stop, p.targets, p.lots, p.quote_ms, p.version,
    p.exit_reason, p.exit_level, p.exit_price, p.slippage_pips, p.closed_ms, p.detected_late,
    p.plan, p.stop_reason, p.legs
 from position p join subscriber s on s.id = p.subscriber_id
    where p.subscriber_id = 1 and p.symbol = 'XAUUSD' and p.state in ('proposed', 'parked', 'open')

-- => 1 rows of text timestamptz bool
select g.reasons, p.proposed_at, p.state in ('proposed', 'parked', 'open') from position p join signal g on g.id = p.signal_id
    where p.subscriber_id = 1
 and p.state <> 'void' order by p.proposed_at desc limit 1

-- => 0 rows of text text text timestamptz text int8
select symbol, mode, reasons, refused_at, signal_id, market_ms from refusal
    where subscriber_id = 1 order by refused_at desc limit 1

-- => 1 rows of text timestamptz bool
select g.reasons, p.proposed_at, p.state in ('proposed', 'parked', 'open') from position p join signal g on g.id = p.signal_id
    where p.subscriber_id = 1
 and p.id = 'p:88ae7cb3d6ae72ebffd02231185758e3'

-- => 0 rows of text int8 int8 text text text text text text text float8 float8 float8 float8 numeric int8 int4 text float8 float8 float8 int8 bool text text jsonb text float8 float8 int4 int8
select 
    p.id, p.subscriber_id, s.chat_id, s.language, s.time_zone, p.signal_id, p.symbol, p.side, p.mode, p.state, p.entry,
    p.initial_stop, p.stop, p.targets, p.lots, p.quote_ms, p.version,
    p.exit_reason, p.exit_level, p.exit_price, p.slippage_pips, p.closed_ms, p.detected_late,
    p.plan, p.stop_reason, p.legs
, g.interval, g.rr, g.strength, g.score, case when p.state = 'closed' then p.closed_ms end
    from position p join subscriber s on s.id = p.subscriber_id join signal g on g.id = p.signal_id
    where p.subscriber_id = 1
 and p.symbol = 'XAUUSD' and p.state in ('proposed', 'parked', 'open')

-- => 1 rows of text int8 int8 text text text text text text text float8 float8 float8 float8 numeric int8 int4 text float8 float8 float8 int8 bool text text jsonb text float8 float8 int4 int8
select 
    p.id, p.subscriber_id, s.chat_id, s.language, s.time_zone, p.signal_id, p.symbol, p.side, p.mode, p.state, p.entry,
    p.initial_stop, p.stop, p.targets, p.lots, p.quote_ms, p.version,
    p.exit_reason, p.exit_level, p.exit_price, p.slippage_pips, p.closed_ms, p.detected_late,
    p.plan, p.stop_reason, p.legs
, g.interval, g.rr, g.strength, g.score, case when p.state = 'closed' then p.closed_ms end
    from position p join subscriber s on s.id = p.subscriber_id join signal g on g.id = p.signal_id
    where p.subscriber_id = 1
 and p.id = 'p:88ae7cb3d6ae72ebffd02231185758e3'

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4 bool
insert into subscriber as s (id, chat_id, name, language, time_zone, lots) values (3, 3, 'n3', 'id', 'Asia/Jakarta', 0.01)
    on conflict (id) do update set chat_id = excluded.chat_id, name = excluded.name, active = true,
        inactive_reason = null, changed_at = now()
    returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s
, xmax = 0

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4
update subscriber s set auto = true, active = s.active or true, changed_at = now(),
        inactive_reason = case when s.active or true then null else s.inactive_reason end
    where s.id = 3 returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4 bool
insert into subscriber as s (id, chat_id, name, language, time_zone, lots) values (4, 4, 'n4', 'id', 'Asia/Jakarta', 0.01)
    on conflict (id) do update set chat_id = excluded.chat_id, name = excluded.name, active = true,
        inactive_reason = null, changed_at = now()
    returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s
, xmax = 0

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4
update subscriber s set auto = true, active = s.active or true, changed_at = now(),
        inactive_reason = case when s.active or true then null else s.inactive_reason end
    where s.id = 4 returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4 bool
insert into subscriber as s (id, chat_id, name, language, time_zone, lots) values (5, 5, 'n5', 'id', 'Asia/Jakarta', 0.01)
    on conflict (id) do update set chat_id = excluded.chat_id, name = excluded.name, active = true,
        inactive_reason = null, changed_at = now()
    returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s
, xmax = 0

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4
update subscriber s set auto = true, active = s.active or true, changed_at = now(),
        inactive_reason = case when s.active or true then null else s.inactive_reason end
    where s.id = 5 returning 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s

-- => 0 rows of int8 float8 int8
select since_ms, slippage_pips, until_ms from pause
    where symbol = 'XAUUSD' and since_ms <= 1767614520000 and (until_ms is null or until_ms > 1767614520000) limit 1

-- => 1 rows
insert into signal (id, symbol, strategy, strategy_version, interval, mode, side, entry, stop, targets, rr,
        strength, score, reasons, candle_open_s, quote_ms, raised_at)
    values ('s:XAUUSD:trend_pullback:auto:M1:1767614460', 'XAUUSD', 'trend_pullback', '1', 'M1', 'auto', 'BUY', 4000.0, 3998.0, '{4003.0}'::float8[], 1.5, 0.4, 6, '{reason.trf_with.buy,reason.macd_crossed.buy}', 1767614460, 1767614520000, '2026-11-23 09:01:27.679783+00:00'::timestamptz) on conflict (id) do nothing

-- => 5 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4 bool json
select 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s
, (
        select true from position p where p.subscriber_id = s.id and p.symbol = 'XAUUSD'
            and p.state in ('proposed', 'parked', 'open') limit 1
    ) is not null or (
        select true from position p where p.subscriber_id = s.id and p.symbol = 'XAUUSD'
            and p.state = 'closed' and p.closed_ms > 1767614520000 limit 1
    ) is not null, (
        select json_agg(json_build_array(p.side, p.entry, p.quote_ms)) from position p
        where p.subscriber_id = s.id and p.symbol = 'XAUUSD' and p.quote_ms > 1767614400000 and p.state <> 'void'
    ) from subscriber s
 where s.auto and s.active and s.id >  -9223372036854775808 order by s.id limit 250

-- => 1 rows of int8 numeric int8
select d.subscriber_id, coalesce(sum(p.pnl), 0), count(p.id)
    from unnest('{1}'::int2[]::bigint[], '{1767546000000}'::int8[]::bigint[], '{1767632400000}'::int8[]::bigint[]) as d (subscriber_id, from_ms, to_ms)
    left join position p on p.subscriber_id = d.subscriber_id and p.state = 'closed'
        and p.closed_ms >= d.from_ms and p.closed_ms < d.to_ms
    group by d.subscriber_id

-- => 5 rows of text
with made as (
        insert into position (id, subscriber_id, lots, plan, targets, signal_id, symbol, side, mode, state, entry,
            initial_stop, stop, quote_ms, in_force_ms, proposed_at, expires_at)
        select id, subscriber_id, lots, plan, targets::float8[], 's:XAUUSD:trend_pullback:auto:M1:1767614460', 'XAUUSD', 'BUY', 'auto', 'proposed',
            4000.1, 3998.1, 3998.1, 1767614520000, 1767614520000, '2026-11-23 09:01:27.687868+00:00'::timestamptz, '2026-11-23 09:01:30.679783+00:00'::timestamptz
        from unnest('{p:e3aed9df3dfdfa6bf2871db6bb0b89f2,p:0958a861683c3f2efc73574faba33c29,p:605ab637d04332a9f89fa6d9d944e48a,p:95c80f434585aed886e436ced1831e64,p:a710b87bbf49cd7c41f578390c16b960}'::text[], '{1,2,3,4,5}'::int2[]::bigint[], '{0.05,0.01,0.01,0.01,0.01}'::numeric[]::numeric[], '{three+break_even+trailing,three+break_even+trailing,three+break_even+trailing,three+break_even+trailing,three+break_even+trailing}'::text[], '{"{4002.1,4003.1,4005.1}","{4002.1,4003.1,4005.1}","{4002.1,4003.1,4005.1}","{4002.1,4003.1,4005.1}","{4002.1,4003.1,4005.1}"}'::text[])
            as made (id, subscriber_id, lots, plan, targets)
        order by subscriber_id
        on conflict do nothing returning id
    ), told as (
        insert into position_event (position_id, version, event, at, market_ms)
        select id, 1, 'proposed', '2026-11-23 09:01:27.687868+00:00'::timestamptz, 1767614520000 from made
    )
    select id from made

-- => 12 rows
insert into outbox (message_id, subject, body) select * from unnest('{draw:4577d50ebecd197416b36bd5c4f93ec0,draw:adf4c8f193105a1fb0f970081d56dd39,f:proposed:p:e3aed9df3dfdfa6bf2871db6bb0b89f2,m:signal:p:e3aed9df3dfdfa6bf2871db6bb0b89f2,f:proposed:p:0958a861683c3f2efc73574faba33c29,m:signal:p:0958a861683c3f2efc73574faba33c29,f:proposed:p:605ab637d04332a9f89fa6d9d944e48a,m:signal:p:605ab637d04332a9f89fa6d9d944e48a,f:proposed:p:95c80f434585aed886e436ced1831e64,m:signal:p:95c80f434585aed886e436ced1831e64,f:proposed:p:a710b87bbf49cd7c41f578390c16b960,m:signal:p:a710b87bbf49cd7c41f578390c16b960}'::text[], '{chart.v1.4577d50ebecd197416b36bd5c4f93ec0,chart.v1.adf4c8f193105a1fb0f970081d56dd39,position.v1.proposed.1,send.v1.signal.1,position.v1.proposed.2,send.v1.signal.2,position.v1.proposed.3,send.v1.signal.3,position.v1.proposed.4,send.v1.signal.4,position.v1.proposed.5,send.v1.signal.5}'::text[],  E'{"\\\\x7b226964223a22647261773a3435373764353065626563643139373431366233366264356334663933656330222c226174223a22323032362d31312d32335430393a30313a32372e3638353334395a222c227472616365223a2230302d38333431616439313366663437303864656136383961376439356361363435612d396332616337356638663362303939302d3031222c2276223a312c226b6579223a223435373764353065626563643139373431366233366264356334663933656330222c2273796d626f6c223a22584155555344222c22696e74657276616c223a224d31222c22756e74696c5f73223a313736373631343436302c226c616e6775616765223a22656e222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c226c6576656c73223a7b2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c226d6f6465223a226175746f222c227272223a312e35352c22737472656e677468223a302e342c2273636f7265223a367d2c22657870697265735f6174223a22323032362d31312d32335430393a30313a33302e3637393738335a227d","\\\\x7b226964223a22647261773a6164663463386631393331303561316662306639373030383164353664643339222c226174223a22323032362d31312d32335430393a30313a32372e3638353833335a222c227472616365223a2230302d39376530366134333437326230666335343131393532396230623134333962372d623566663334343339393832396432322d3031222c2276223a312c226b6579223a226164663463386631393331303561316662306639373030383164353664643339222c2273796d626f6c223a22584155555344222c22696e74657276616c223a224d31222c22756e74696c5f73223a313736373631343436302c226c616e6775616765223a226964222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c226c6576656c73223a7b2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c226d6f6465223a226175746f222c227272223a312e35352c22737472656e677468223a302e342c2273636f7265223a367d2c22657870697265735f6174223a22323032362d31312d32335430393a30313a33302e3637393738335a227d","\\\\x7b226964223a22663a70726f706f7365643a703a6533616564396466336466646661366266323837316462366262306238396632222c226174223a22323032362d31312d32335430393a30313a32372e3638353435385a222c227472616365223a2230302d65646462313239333432633863386233376663393032343163616630656335332d346237633333626337323063626166652d3031222c2276223a312c22706f736974696f6e5f6964223a22703a6533616564396466336466646661366266323837316462366262306238396632222c22737562736372696265725f6964223a312c227369676e616c5f6964223a22733a5841555553443a7472656e645f70756c6c6261636b3a6175746f3a4d313a31373637363134343630222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c226c6f7473223a22302e3035222c2271756f74655f6d73223a313736373631343532303030302c22706c616e223a2274687265652b627265616b5f6576656e2b747261696c696e67227d","\\\\x7b226964223a226d3a7369676e616c3a703a6533616564396466336466646661366266323837316462366262306238396632222c226174223a22323032362d31312d32335430393a30313a32372e3638353435385a222c227472616365223a2230302d65646462313239333432633863386233376663393032343163616630656335332d346237633333626337323063626166652d3031222c2276223a312c22636861745f6964223a312c22737562736372696265725f6964223a312c226b696e64223a227369676e616c222c22636f6e74656e74223a7b2274797065223a227369676e616c222c22706f736974696f6e5f6964223a22703a6533616564396466336466646661366266323837316462366262306238396632222c2273686f72745f6964223a22355456453951222c2273796d626f6c223a22584155555344222c22696e74657276616c223a224d31222c226d6f6465223a226175746f222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c227272223a312e35352c22737472656e677468223a302e342c226c6f7473223a22302e3035222c227269736b223a2231302e3030222c22706970223a302e312c22646967697473223a322c22726561736f6e73223a5b22726561736f6e2e7472665f776974682e627579222c22726561736f6e2e6d6163645f63726f737365642e627579225d2c226d61726b65745f6d73223a313736373631343532303030307d2c226c616e6775616765223a22656e222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a22323032362d31312d32335430393a30313a33302e3637393738335a222c227265706c795f746f223a6e756c6c2c2263686172745f6b6579223a223435373764353065626563643139373431366233366264356334663933656330222c22706f736974696f6e5f6964223a22703a6533616564396466336466646661366266323837316462366262306238396632222c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d","\\\\x7b226964223a22663a70726f706f7365643a703a3039353861383631363833633366326566633733353734666162613333633239222c226174223a22323032362d31312d32335430393a30313a32372e3638353839345a222c227472616365223a2230302d39613639313934613637323636396261636334306165336332613031366165612d636461373465373262623361643238322d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3039353861383631363833633366326566633733353734666162613333633239222c22737562736372696265725f6964223a322c227369676e616c5f6964223a22733a5841555553443a7472656e645f70756c6c6261636b3a6175746f3a4d313a31373637363134343630222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c226c6f7473223a22302e3031222c2271756f74655f6d73223a313736373631343532303030302c22706c616e223a2274687265652b627265616b5f6576656e2b747261696c696e67227d","\\\\x7b226964223a226d3a7369676e616c3a703a3039353861383631363833633366326566633733353734666162613333633239222c226174223a22323032362d31312d32335430393a30313a32372e3638353839345a222c227472616365223a2230302d39613639313934613637323636396261636334306165336332613031366165612d636461373465373262623361643238322d3031222c2276223a312c22636861745f6964223a322c22737562736372696265725f6964223a322c226b696e64223a227369676e616c222c22636f6e74656e74223a7b2274797065223a227369676e616c222c22706f736974696f6e5f6964223a22703a3039353861383631363833633366326566633733353734666162613333633239222c2273686f72745f6964223a22454245544454222c2273796d626f6c223a22584155555344222c22696e74657276616c223a224d31222c226d6f6465223a226175746f222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c227272223a312e35352c22737472656e677468223a302e342c226c6f7473223a22302e3031222c227269736b223a22322e3030222c22706970223a302e312c22646967697473223a322c22726561736f6e73223a5b22726561736f6e2e7472665f776974682e627579222c22726561736f6e2e6d6163645f63726f737365642e627579225d2c226d61726b65745f6d73223a313736373631343532303030307d2c226c616e6775616765223a226964222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a22323032362d31312d32335430393a30313a33302e3637393738335a222c227265706c795f746f223a6e756c6c2c2263686172745f6b6579223a226164663463386631393331303561316662306639373030383164353664643339222c22706f736974696f6e5f6964223a22703a3039353861383631363833633366326566633733353734666162613333633239222c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d","\\\\x7b226964223a22663a70726f706f7365643a703a3630356162363337643034333332613966383966613664396439343465343861222c226174223a22323032362d31312d32335430393a30313a32372e3638353839345a222c227472616365223a2230302d39613639313934613637323636396261636334306165336332613031366165612d636461373465373262623361643238322d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3630356162363337643034333332613966383966613664396439343465343861222c22737562736372696265725f6964223a332c227369676e616c5f6964223a22733a5841555553443a7472656e645f70756c6c6261636b3a6175746f3a4d313a31373637363134343630222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c226c6f7473223a22302e3031222c2271756f74655f6d73223a313736373631343532303030302c22706c616e223a2274687265652b627265616b5f6576656e2b747261696c696e67227d","\\\\x7b226964223a226d3a7369676e616c3a703a3630356162363337643034333332613966383966613664396439343465343861222c226174223a22323032362d31312d32335430393a30313a32372e3638353839345a222c227472616365223a2230302d39613639313934613637323636396261636334306165336332613031366165612d636461373465373262623361643238322d3031222c2276223a312c22636861745f6964223a332c22737562736372696265725f6964223a332c226b696e64223a227369676e616c222c22636f6e74656e74223a7b2274797065223a227369676e616c222c22706f736974696f6e5f6964223a22703a3630356162363337643034333332613966383966613664396439343465343861222c2273686f72745f6964223a22534541365954222c2273796d626f6c223a22584155555344222c22696e74657276616c223a224d31222c226d6f6465223a226175746f222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c227272223a312e35352c22737472656e677468223a302e342c226c6f7473223a22302e3031222c227269736b223a22322e3030222c22706970223a302e312c22646967697473223a322c22726561736f6e73223a5b22726561736f6e2e7472665f776974682e627579222c22726561736f6e2e6d6163645f63726f737365642e627579225d2c226d61726b65745f6d73223a313736373631343532303030307d2c226c616e6775616765223a226964222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a22323032362d31312d32335430393a30313a33302e3637393738335a222c227265706c795f746f223a6e756c6c2c2263686172745f6b6579223a226164663463386631393331303561316662306639373030383164353664643339222c22706f736974696f6e5f6964223a22703a3630356162363337643034333332613966383966613664396439343465343861222c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d","\\\\x7b226964223a22663a70726f706f7365643a703a3935633830663433343538356165643838366534333663656431383331653634222c226174223a22323032362d31312d32335430393a30313a32372e3638353839345a222c227472616365223a2230302d39613639313934613637323636396261636334306165336332613031366165612d636461373465373262623361643238322d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3935633830663433343538356165643838366534333663656431383331653634222c22737562736372696265725f6964223a342c227369676e616c5f6964223a22733a5841555553443a7472656e645f70756c6c6261636b3a6175746f3a4d313a31373637363134343630222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c226c6f7473223a22302e3031222c2271756f74655f6d73223a313736373631343532303030302c22706c616e223a2274687265652b627265616b5f6576656e2b747261696c696e67227d","\\\\x7b226964223a226d3a7369676e616c3a703a3935633830663433343538356165643838366534333663656431383331653634222c226174223a22323032362d31312d32335430393a30313a32372e3638353839345a222c227472616365223a2230302d39613639313934613637323636396261636334306165336332613031366165612d636461373465373262623361643238322d3031222c2276223a312c22636861745f6964223a342c22737562736372696265725f6964223a342c226b696e64223a227369676e616c222c22636f6e74656e74223a7b2274797065223a227369676e616c222c22706f736974696f6e5f6964223a22703a3935633830663433343538356165643838366534333663656431383331653634222c2273686f72745f6964223a225245384a5457222c2273796d626f6c223a22584155555344222c22696e74657276616c223a224d31222c226d6f6465223a226175746f222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c227272223a312e35352c22737472656e677468223a302e342c226c6f7473223a22302e3031222c227269736b223a22322e3030222c22706970223a302e312c22646967697473223a322c22726561736f6e73223a5b22726561736f6e2e7472665f776974682e627579222c22726561736f6e2e6d6163645f63726f737365642e627579225d2c226d61726b65745f6d73223a313736373631343532303030307d2c226c616e6775616765223a226964222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a22323032362d31312d32335430393a30313a33302e3637393738335a222c227265706c795f746f223a6e756c6c2c2263686172745f6b6579223a226164663463386631393331303561316662306639373030383164353664643339222c22706f736974696f6e5f6964223a22703a3935633830663433343538356165643838366534333663656431383331653634222c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d","\\\\x7b226964223a22663a70726f706f7365643a703a6137313062383762626634396364376334316635373833393063313662393630222c226174223a22323032362d31312d32335430393a30313a32372e3638353839345a222c227472616365223a2230302d39613639313934613637323636396261636334306165336332613031366165612d636461373465373262623361643238322d3031222c2276223a312c22706f736974696f6e5f6964223a22703a6137313062383762626634396364376334316635373833393063313662393630222c22737562736372696265725f6964223a352c227369676e616c5f6964223a22733a5841555553443a7472656e645f70756c6c6261636b3a6175746f3a4d313a31373637363134343630222c2273796d626f6c223a22584155555344222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c226c6f7473223a22302e3031222c2271756f74655f6d73223a313736373631343532303030302c22706c616e223a2274687265652b627265616b5f6576656e2b747261696c696e67227d","\\\\x7b226964223a226d3a7369676e616c3a703a6137313062383762626634396364376334316635373833393063313662393630222c226174223a22323032362d31312d32335430393a30313a32372e3638353839345a222c227472616365223a2230302d39613639313934613637323636396261636334306165336332613031366165612d636461373465373262623361643238322d3031222c2276223a312c22636861745f6964223a352c22737562736372696265725f6964223a352c226b696e64223a227369676e616c222c22636f6e74656e74223a7b2274797065223a227369676e616c222c22706f736974696f6e5f6964223a22703a6137313062383762626634396364376334316635373833393063313662393630222c2273686f72745f6964223a22534837413457222c2273796d626f6c223a22584155555344222c22696e74657276616c223a224d31222c226d6f6465223a226175746f222c2273696465223a22425559222c22656e747279223a343030302e312c2273746f70223a333939382e312c2274617267657473223a5b343030322e312c343030332e312c343030352e315d2c227272223a312e35352c22737472656e677468223a302e342c226c6f7473223a22302e3031222c227269736b223a22322e3030222c22706970223a302e312c22646967697473223a322c22726561736f6e73223a5b22726561736f6e2e7472665f776974682e627579222c22726561736f6e2e6d6163645f63726f737365642e627579225d2c226d61726b65745f6d73223a313736373631343532303030307d2c226c616e6775616765223a226964222c2274696d655f7a6f6e65223a22417369612f4a616b61727461222c22657870697265735f6174223a22323032362d31312d32335430393a30313a33302e3637393738335a222c227265706c795f746f223a6e756c6c2c2263686172745f6b6579223a226164663463386631393331303561316662306639373030383164353664643339222c22706f736974696f6e5f6964223a22703a6137313062383762626634396364376334316635373833393063313662393630222c2273696c656e74223a66616c73652c2270726f74656374223a66616c73652c227468726561645f6964223a6e756c6c2c22636f616c65736365223a6e756c6c7d"}'::bytea[]::bytea[]) on conflict (message_id) do nothing

-- => 1 rows
update signal set handed_to = NULL where id = 's:XAUUSD:trend_pullback:auto:M1:1767614460'

-- => 1 rows of ?
select pg_notify('positions_xauusd', '{"symbol":"XAUUSD","signal_id":"s:XAUUSD:trend_pullback:auto:M1:1767614460","voided_id":null,"people":{"after_id":-9223372036854775808,"until_id":5}}')

-- => 1 rows
insert into inbox (consumer, message_id) values ('positions-signals', 's:XAUUSD:trend_pullback:auto:M1:1767614460') on conflict do nothing

-- => 12 rows
delete from outbox where id = any('{24,25,26,27,28,29,30,31,32,33,34,35}'::int2[])

-- => 5 rows of text text float8 float8 int8 text int4 text float8 float8 int8
select id, side, stop, targets, in_force_ms, stop_reason, jsonb_array_length(legs), plan, entry, initial_stop,
        quote_ms
    from position
    where symbol = 'XAUUSD' and state in ('proposed', 'open')
 and signal_id = 's:XAUUSD:trend_pullback:auto:M1:1767614460' and subscriber_id >  -9223372036854775808 and subscriber_id <= 5 order by id

-- => 1 rows
insert into inbox (consumer, message_id) values ('positions-deliveries', 'm:signal:p:605ab637d04332a9f89fa6d9d944e48a:void') on conflict do nothing

-- => 0 rows
update subscriber set active = false, inactive_reason = 'test_void', changed_at = now()
    where id = 3 and active and changed_at < '2026-11-23 09:01:27.702632+00:00'::timestamptz

-- => 1 rows
with saved as (
        update position p set state = c.state, version = c.version, stop = c.stop, stop_reason = c.stop_reason,
            in_force_ms = greatest(p.in_force_ms, c.in_force_ms), legs = c.legs::jsonb,
            delivery_state = coalesce(c.delivery, p.delivery_state), void_reason = c.void_reason,
            exit_reason = c.exit_reason, exit_level = c.level, exit_price = c.price, slippage_pips = c.slippage,
            closed_ms = c.closed_ms, detected_late = c.late, pnl = c.pnl, r = c.r,
            opened_at = case when c.state in ('open', 'closed') then coalesce(p.opened_at, '2026-11-23 09:01:27.706057+00:00'::timestamptz) end,
            closed_at = case when c.state in ('closed', 'void') then '2026-11-23 09:01:27.706057+00:00'::timestamptz end
        from unnest('{p:605ab637d04332a9f89fa6d9d944e48a}'::text[], '{1}'::int2[]::int[], '{2}'::int2[]::int[], '{void}'::text[], '{3998.1}'::float8[]::float8[],
            '{stop}'::text[], '{NULL}'::bigint[], '{[]}'::text[], '{void}'::text[],
            '{test_void}'::text[], '{NULL}'::text[], '{NULL}'::float8[], '{NULL}'::float8[],
            '{NULL}'::float8[], '{NULL}'::bigint[], '{f}'::bool[]::bool[], '{NULL}'::numeric[], '{NULL}'::float8[])
            as c (id, was, version, state, stop, stop_reason, in_force_ms, legs, delivery, void_reason, exit_reason,
                level, price, slippage, closed_ms, late, pnl, r)
        where p.id = c.id and p.version = c.was and p.state in ('proposed', 'parked', 'open')
        returning p.id
    )
    insert into position_event (position_id, version, event, at, market_ms, detail)
    select e.id, e.version, e.event, '2026-11-23 09:01:27.706057+00:00'::timestamptz, e.market_ms, e.detail::jsonb
    from unnest('{p:605ab637d04332a9f89fa6d9d944e48a}'::text[], '{2}'::int2[]::int[], '{lost}'::text[], '{1767614520000}'::int8[]::bigint[],
         E'{"{\\"delivery\\":\\"void\\",\\"reason\\":\\"test_void\\"}"}'::text[]) as e (id, version, event, market_ms, detail)
    join saved on saved.id = e.id

-- => 1 rows
insert into outbox (message_id, subject, body) select * from unnest('{f:voided:p:605ab637d04332a9f89fa6d9d944e48a}'::text[], '{position.v1.voided.3}'::text[],  E'{"\\\\x7b226964223a22663a766f696465643a703a3630356162363337643034333332613966383966613664396439343465343861222c226174223a22323032362d31312d32335430393a30313a32372e3730363035375a222c227472616365223a2230302d64633236626463313965383630346437373337306661653661393938386233362d373861383035396334646335343338352d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3630356162363337643034333332613966383966613664396439343465343861222c22737562736372696265725f6964223a332c2273796d626f6c223a22584155555344222c22726561736f6e223a22746573745f766f6964227d"}'::bytea[]::bytea[]) on conflict (message_id) do nothing

-- => 1 rows
delete from outbox where id = any('{36}'::int2[])

-- => 1 rows
insert into inbox (consumer, message_id) values ('positions-deliveries', 'm:signal:p:95c80f434585aed886e436ced1831e64:unknown') on conflict do nothing

-- => 1 rows
with saved as (
        update position p set state = c.state, version = c.version, stop = c.stop, stop_reason = c.stop_reason,
            in_force_ms = greatest(p.in_force_ms, c.in_force_ms), legs = c.legs::jsonb,
            delivery_state = coalesce(c.delivery, p.delivery_state), void_reason = c.void_reason,
            exit_reason = c.exit_reason, exit_level = c.level, exit_price = c.price, slippage_pips = c.slippage,
            closed_ms = c.closed_ms, detected_late = c.late, pnl = c.pnl, r = c.r,
            opened_at = case when c.state in ('open', 'closed') then coalesce(p.opened_at, '2026-11-23 09:01:27.716752+00:00'::timestamptz) end,
            closed_at = case when c.state in ('closed', 'void') then '2026-11-23 09:01:27.716752+00:00'::timestamptz end
        from unnest('{p:95c80f434585aed886e436ced1831e64}'::text[], '{1}'::int2[]::int[], '{2}'::int2[]::int[], '{open}'::text[], '{3998.1}'::float8[]::float8[],
            '{stop}'::text[], '{NULL}'::bigint[], '{[]}'::text[], '{unknown}'::text[],
            '{NULL}'::text[], '{NULL}'::text[], '{NULL}'::float8[], '{NULL}'::float8[],
            '{NULL}'::float8[], '{NULL}'::bigint[], '{f}'::bool[]::bool[], '{NULL}'::numeric[], '{NULL}'::float8[])
            as c (id, was, version, state, stop, stop_reason, in_force_ms, legs, delivery, void_reason, exit_reason,
                level, price, slippage, closed_ms, late, pnl, r)
        where p.id = c.id and p.version = c.was and p.state in ('proposed', 'parked', 'open')
        returning p.id
    )
    insert into position_event (position_id, version, event, at, market_ms, detail)
    select e.id, e.version, e.event, '2026-11-23 09:01:27.716752+00:00'::timestamptz, e.market_ms, e.detail::jsonb
    from unnest('{p:95c80f434585aed886e436ced1831e64}'::text[], '{2}'::int2[]::int[], '{delivered}'::text[], '{1767614520000}'::int8[]::bigint[],
         E'{"{\\"delivery\\":\\"unknown\\"}"}'::text[]) as e (id, version, event, market_ms, detail)
    join saved on saved.id = e.id

-- => 1 rows
insert into outbox (message_id, subject, body) select * from unnest('{f:opened:p:95c80f434585aed886e436ced1831e64}'::text[], '{position.v1.opened.4}'::text[],  E'{"\\\\x7b226964223a22663a6f70656e65643a703a3935633830663433343538356165643838366534333663656431383331653634222c226174223a22323032362d31312d32335430393a30313a32372e3731363735325a222c227472616365223a2230302d36626331643733633138353335396237376138653637626364336264323462382d313930613432303061306535666464622d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3935633830663433343538356165643838366534333663656431383331653634222c22737562736372696265725f6964223a342c2273796d626f6c223a22584155555344227d"}'::bytea[]::bytea[]) on conflict (message_id) do nothing

-- => 1 rows
delete from outbox where id = any('{37}'::int2[])

-- => 0 rows
update subscriber set active = false, inactive_reason = 'blocked', changed_at = now()
    where id = 5 and active and changed_at < '2026-11-23 09:01:27.725809+00:00'::timestamptz

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4 bool json
select 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s
, (
        select true from position p where p.subscriber_id = s.id and p.symbol = 'XAUUSD'
            and p.state in ('proposed', 'parked', 'open') limit 1
    ) is not null or (
        select true from position p where p.subscriber_id = s.id and p.symbol = 'XAUUSD'
            and p.state = 'closed' and p.closed_ms > NULL limit 1
    ) is not null, (
        select json_agg(json_build_array(p.side, p.entry, p.quote_ms)) from position p
        where p.subscriber_id = s.id and p.symbol = 'XAUUSD' and p.quote_ms > 1767614308000 and p.state <> 'void'
    ) from subscriber s
 where s.id = 1

-- => 1 rows
insert into refusal (subscriber_id, symbol, signal_id, mode, reasons, market_ms, refused_at)
    select subscriber_id, 'XAUUSD', NULL, 'manual', string_to_array(reasons, ','), 1767614428000, '2026-11-23 09:01:27.730385+00:00'::timestamptz
    from (select id from subscriber where id = any('{1}'::int2[]) order by id for key share) as there
    join unnest('{1}'::int2[]::bigint[], '{"why.position_open,why.cooldown"}'::text[]) as refused (subscriber_id, reasons)
        on refused.subscriber_id = there.id
    order by refused.subscriber_id
    on conflict (subscriber_id, symbol) do update set signal_id = excluded.signal_id, mode = excluded.mode,
        reasons = excluded.reasons, market_ms = excluded.market_ms, refused_at = excluded.refused_at

-- => 1 rows of int8 int8 text text bool numeric bool numeric numeric numeric int2 int2 text bool bool bool int4 bool json
select 
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s
, (
        select true from position p where p.subscriber_id = s.id and p.symbol = 'XAUUSD'
            and p.state in ('proposed', 'parked', 'open') limit 1
    ) is not null or (
        select true from position p where p.subscriber_id = s.id and p.symbol = 'XAUUSD'
            and p.state = 'closed' and p.closed_ms > NULL limit 1
    ) is not null, (
        select json_agg(json_build_array(p.side, p.entry, p.quote_ms)) from position p
        where p.subscriber_id = s.id and p.symbol = 'XAUUSD' and p.quote_ms > 1767614308000 and p.state <> 'void'
    ) from subscriber s
 where s.id = 1

-- => 1 rows
insert into refusal (subscriber_id, symbol, signal_id, mode, reasons, market_ms, refused_at)
    select subscriber_id, 'XAUUSD', NULL, 'manual', string_to_array(reasons, ','), 1767614428000, '2026-11-23 09:01:27.734879+00:00'::timestamptz
    from (select id from subscriber where id = any('{1}'::int2[]) order by id for key share) as there
    join unnest('{1}'::int2[]::bigint[], '{"why.position_open,why.cooldown"}'::text[]) as refused (subscriber_id, reasons)
        on refused.subscriber_id = there.id
    order by refused.subscriber_id
    on conflict (subscriber_id, symbol) do update set signal_id = excluded.signal_id, mode = excluded.mode,
        reasons = excluded.reasons, market_ms = excluded.market_ms, refused_at = excluded.refused_at

-- => 0 rows of text
select id from position where state in ('proposed', 'parked') and expires_at < '2026-11-23 09:01:27.501138+00:00'::timestamptz order by id limit 200

-- => 0 rows of text
select id from position where state in ('proposed', 'parked') and expires_at < '2026-11-23 09:01:27.559291+00:00'::timestamptz order by id limit 200

-- => 1 rows of int4
select 1

-- => 1 rows of int8 int8
select (select count(*) from subscriber where active),
        (select count(*) from position where state in ('proposed', 'parked', 'open'))

-- => 3 rows
with saved as (
        update position p set state = c.state, version = c.version, stop = c.stop, stop_reason = c.stop_reason,
            in_force_ms = greatest(p.in_force_ms, c.in_force_ms), legs = c.legs::jsonb,
            delivery_state = coalesce(c.delivery, p.delivery_state), void_reason = c.void_reason,
            exit_reason = c.exit_reason, exit_level = c.level, exit_price = c.price, slippage_pips = c.slippage,
            closed_ms = c.closed_ms, detected_late = c.late, pnl = c.pnl, r = c.r,
            opened_at = case when c.state in ('open', 'closed') then coalesce(p.opened_at, '2026-11-23 09:01:31.215850+00:00'::timestamptz) end,
            closed_at = case when c.state in ('closed', 'void') then '2026-11-23 09:01:31.215850+00:00'::timestamptz end
        from unnest('{p:0958a861683c3f2efc73574faba33c29,p:a710b87bbf49cd7c41f578390c16b960,p:e3aed9df3dfdfa6bf2871db6bb0b89f2}'::text[], '{1,1,1}'::int2[]::int[], '{2,2,2}'::int2[]::int[], '{void,void,void}'::text[], '{3998.1,3998.1,3998.1}'::float8[]::float8[],
            '{stop,stop,stop}'::text[], '{NULL,NULL,NULL}'::bigint[], '{[],[],[]}'::text[], '{NULL,NULL,NULL}'::text[],
            '{never_settled,never_settled,never_settled}'::text[], '{NULL,NULL,NULL}'::text[], '{NULL,NULL,NULL}'::float8[], '{NULL,NULL,NULL}'::float8[],
            '{NULL,NULL,NULL}'::float8[], '{NULL,NULL,NULL}'::bigint[], '{f,f,f}'::bool[]::bool[], '{NULL,NULL,NULL}'::numeric[], '{NULL,NULL,NULL}'::float8[])
            as c (id, was, version, state, stop, stop_reason, in_force_ms, legs, delivery, void_reason, exit_reason,
                level, price, slippage, closed_ms, late, pnl, r)
        where p.id = c.id and p.version = c.was and p.state in ('proposed', 'parked', 'open')
        returning p.id
    )
    insert into position_event (position_id, version, event, at, market_ms, detail)
    select e.id, e.version, e.event, '2026-11-23 09:01:31.215850+00:00'::timestamptz, e.market_ms, e.detail::jsonb
    from unnest('{p:0958a861683c3f2efc73574faba33c29,p:a710b87bbf49cd7c41f578390c16b960,p:e3aed9df3dfdfa6bf2871db6bb0b89f2}'::text[], '{2,2,2}'::int2[]::int[], '{lost,lost,lost}'::text[], '{1767614520000,1767614520000,1767614520000}'::int8[]::bigint[],
         E'{"{\\"delivery\\":null,\\"reason\\":\\"never_settled\\"}","{\\"delivery\\":null,\\"reason\\":\\"never_settled\\"}","{\\"delivery\\":null,\\"reason\\":\\"never_settled\\"}"}'::text[]) as e (id, version, event, market_ms, detail)
    join saved on saved.id = e.id

-- => 3 rows
insert into outbox (message_id, subject, body) select * from unnest('{f:voided:p:0958a861683c3f2efc73574faba33c29,f:voided:p:a710b87bbf49cd7c41f578390c16b960,f:voided:p:e3aed9df3dfdfa6bf2871db6bb0b89f2}'::text[], '{position.v1.voided.2,position.v1.voided.5,position.v1.voided.1}'::text[],  E'{"\\\\x7b226964223a22663a766f696465643a703a3039353861383631363833633366326566633733353734666162613333633239222c226174223a22323032362d31312d32335430393a30313a33312e3231353835305a222c227472616365223a2230302d63636661623637623365383433623362336236666332393431613662326135362d626536373431396539623336316231312d3031222c2276223a312c22706f736974696f6e5f6964223a22703a3039353861383631363833633366326566633733353734666162613333633239222c22737562736372696265725f6964223a322c2273796d626f6c223a22584155555344222c22726561736f6e223a226e657665725f736574746c6564227d","\\\\x7b226964223a22663a766f696465643a703a6137313062383762626634396364376334316635373833393063313662393630222c226174223a22323032362d31312d32335430393a30313a33312e3231353835305a222c227472616365223a2230302d63636661623637623365383433623362336236666332393431613662326135362d373063663936313332643264323061342d3031222c2276223a312c22706f736974696f6e5f6964223a22703a6137313062383762626634396364376334316635373833393063313662393630222c22737562736372696265725f6964223a352c2273796d626f6c223a22584155555344222c22726561736f6e223a226e657665725f736574746c6564227d","\\\\x7b226964223a22663a766f696465643a703a6533616564396466336466646661366266323837316462366262306238396632222c226174223a22323032362d31312d32335430393a30313a33312e3231353835305a222c227472616365223a2230302d63636661623637623365383433623362336236666332393431613662326135362d386339663139343130613736363165302d3031222c2276223a312c22706f736974696f6e5f6964223a22703a6533616564396466336466646661366266323837316462366262306238396632222c22737562736372696265725f6964223a312c2273796d626f6c223a22584155555344222c22726561736f6e223a226e657665725f736574746c6564227d"}'::bytea[]::bytea[]) on conflict (message_id) do nothing

-- => 3 rows
delete from outbox where id = any('{38,39,40}'::int2[])

-- => 1 rows of ?
select pg_advisory_unlock_all()

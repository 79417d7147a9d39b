-- what the release with migration 0005 says

-- => 0 rows of text text int4 int4 int8 text bool float8 text text
select send_id, state, attempts, repeats, message_id, reason, deactivate,
       coalesce(greatest(0, extract(epoch from next_at - clock_timestamp())), 0)::float8, html, buttons::text
from delivery where send_id = 'm:signal:p:1'

-- => 1 rows of bool
insert into delivery (send_id, chat_id, subscriber_id, kind, chart_key, state, attempts, repeats, attempt_started_at)
values ('m:signal:p:1', 1, 1, 'signal', NULL, 'attempting', 1, 0,
        clock_timestamp())
on conflict (send_id) do update
set state = 'attempting', attempts = excluded.attempts, repeats = excluded.repeats,
    attempt_started_at = excluded.attempt_started_at, next_at = null
where delivery.attempts = excluded.attempts - 1 and delivery.settled_at is null
returning true

-- => 1 rows
update delivery set state = 'waiting', repeats = 0,
    next_at = clock_timestamp() + make_interval(secs => 0.5)
where send_id = 'm:signal:p:1' and state = 'attempting' and attempts = 1

-- => 1 rows of bool
insert into delivery (send_id, chat_id, subscriber_id, kind, chart_key, state, attempts, repeats, attempt_started_at)
values ('m:signal:p:1', 1, 1, 'signal', NULL, 'attempting', 2, 1,
        clock_timestamp())
on conflict (send_id) do update
set state = 'attempting', attempts = excluded.attempts, repeats = excluded.repeats,
    attempt_started_at = excluded.attempt_started_at, next_at = null
where delivery.attempts = excluded.attempts - 1 and delivery.settled_at is null
returning true

-- => 1 rows of bool
insert into delivery (send_id, chat_id, subscriber_id, kind, chart_key, state, attempts, repeats, message_id, reason,
                      deactivate, html, buttons, settled_at)
values ('m:signal:p:1', 1, 1, 'signal', NULL, 'delivered', 2, 1,
        7, '', false, '<b>x</b>', '[[{"text":"x","data":"c"}]]'::jsonb, clock_timestamp())
on conflict (send_id) do update
set state = excluded.state, attempts = greatest(delivery.attempts, excluded.attempts),
    message_id = excluded.message_id, reason = excluded.reason, deactivate = excluded.deactivate,
    html = excluded.html, buttons = excluded.buttons, settled_at = excluded.settled_at
where delivery.settled_at is null
returning true

-- => 0 rows of bool
insert into delivery (send_id, chat_id, subscriber_id, kind, chart_key, state, attempts, repeats, message_id, reason,
                      deactivate, html, buttons, settled_at)
values ('m:signal:p:1', 1, 1, 'signal', NULL, 'delivered', 2, 1,
        7, '', false, '<b>x</b>', '[[{"text":"x","data":"c"}]]'::jsonb, clock_timestamp())
on conflict (send_id) do update
set state = excluded.state, attempts = greatest(delivery.attempts, excluded.attempts),
    message_id = excluded.message_id, reason = excluded.reason, deactivate = excluded.deactivate,
    html = excluded.html, buttons = excluded.buttons, settled_at = excluded.settled_at
where delivery.settled_at is null
returning true

-- => 1 rows of text text int4 int4 int8 text bool float8 text text
select send_id, state, attempts, repeats, message_id, reason, deactivate,
       coalesce(greatest(0, extract(epoch from next_at - clock_timestamp())), 0)::float8, html, buttons::text
from delivery where send_id = 'm:signal:p:1'

-- => 1 rows of bool
insert into delivery (send_id, chat_id, subscriber_id, kind, chart_key, state, attempts, repeats, attempt_started_at)
values ('m:signal:p:2', 2, 2, 'signal', NULL, 'attempting', 1, 0,
        clock_timestamp())
on conflict (send_id) do update
set state = 'attempting', attempts = excluded.attempts, repeats = excluded.repeats,
    attempt_started_at = excluded.attempt_started_at, next_at = null
where delivery.attempts = excluded.attempts - 1 and delivery.settled_at is null
returning true

-- => 1 rows of bool
insert into delivery (send_id, chat_id, subscriber_id, kind, chart_key, state, attempts, repeats, message_id, reason,
                      deactivate, html, buttons, settled_at)
values ('m:signal:p:2', 2, 2, 'signal', NULL, 'dead', 1, 0,
        NULL, 'bad', false, NULL, '[]'::jsonb, clock_timestamp())
on conflict (send_id) do update
set state = excluded.state, attempts = greatest(delivery.attempts, excluded.attempts),
    message_id = excluded.message_id, reason = excluded.reason, deactivate = excluded.deactivate,
    html = excluded.html, buttons = excluded.buttons, settled_at = excluded.settled_at
where delivery.settled_at is null
returning true

-- => 1 rows
update delivery set state = 'waiting', attempts = 0, repeats = 0, reason = '', settled_at = null, next_at = null
where send_id = 'm:signal:p:2' and state = 'dead'

-- => 1 rows of bool
insert into delivery (send_id, chat_id, subscriber_id, kind, chart_key, state, attempts, repeats, message_id, reason,
                      deactivate, html, buttons, settled_at)
values ('m:signal:p:3', 3, 3, 'signal', NULL, 'expired', 0, 0,
        NULL, 'expired', false, NULL, '[]'::jsonb, clock_timestamp())
on conflict (send_id) do update
set state = excluded.state, attempts = greatest(delivery.attempts, excluded.attempts),
    message_id = excluded.message_id, reason = excluded.reason, deactivate = excluded.deactivate,
    html = excluded.html, buttons = excluded.buttons, settled_at = excluded.settled_at
where delivery.settled_at is null
returning true

-- => 1 rows
insert into file (chart_key, file_id) values ('chart', 'file')
on conflict (chart_key) do update set file_id = excluded.file_id

-- => 1 rows of text
select file_id from file where chart_key = 'chart'

-- => 1 rows
delete from file where chart_key = 'chart'

-- => 1 rows
insert into chat_move (old_id, new_id) values ( -7,  -1007)
on conflict (old_id) do update set new_id = excluded.new_id, moved_at = now()

-- => 1 rows of int8
select new_id from chat_move where old_id =  -7

-- => 0 rows
delete from file where created_at < now() - make_interval(days => 30)

-- => 0 rows
delete from delivery where send_id = any(array(
    (select send_id from delivery where settled_at < now() - make_interval(days => 30) limit 5000)
    union all
    (select send_id from delivery
     where settled_at is null and created_at < now() - make_interval(days => 30) limit 5000)
))

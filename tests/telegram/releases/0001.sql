-- what the release with migration 0001 says

-- => 0 rows of text text int4 int4 int8 text bool text text
select send_id, state, attempts, repeats, message_id, reason, deactivate, html, buttons::text
from delivery where send_id = 'm:signal:p:1'

-- => 1 rows of bool
insert into delivery (send_id, chat_id, subscriber_id, kind, chart_key, state, attempts, repeats, attempt_started_at)
values ('m:signal:p:1', 1, 1, 'signal', NULL, 'attempting', 1, 0,
        clock_timestamp())
on conflict (send_id) do update
set state = 'attempting', attempts = excluded.attempts, repeats = excluded.repeats,
    attempt_started_at = excluded.attempt_started_at
where delivery.attempts = excluded.attempts - 1 and delivery.settled_at is null
returning true

-- => 1 rows
update delivery set state = 'waiting', repeats = 0
where send_id = 'm:signal:p:1' and state = 'attempting' and attempts = 1

-- => 1 rows of bool
insert into delivery (send_id, chat_id, subscriber_id, kind, chart_key, state, attempts, repeats, attempt_started_at)
values ('m:signal:p:1', 1, 1, 'signal', NULL, 'attempting', 2, 1,
        clock_timestamp())
on conflict (send_id) do update
set state = 'attempting', attempts = excluded.attempts, repeats = excluded.repeats,
    attempt_started_at = excluded.attempt_started_at
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

-- => 1 rows of text text int4 int4 int8 text bool text text
select send_id, state, attempts, repeats, message_id, reason, deactivate, html, buttons::text
from delivery where send_id = 'm:signal:p:1'

-- => 1 rows of bool
insert into delivery (send_id, chat_id, subscriber_id, kind, chart_key, state, attempts, repeats, attempt_started_at)
values ('m:signal:p:2', 2, 2, 'signal', NULL, 'attempting', 1, 0,
        clock_timestamp())
on conflict (send_id) do update
set state = 'attempting', attempts = excluded.attempts, repeats = excluded.repeats,
    attempt_started_at = excluded.attempt_started_at
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
update delivery set state = 'waiting', attempts = 0, repeats = 0, reason = '', settled_at = null
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

-- => 0 rows
delete from file where created_at < now() - make_interval(days => 30)

-- => 0 rows
delete from delivery where send_id = any(array(
    (select send_id from delivery where settled_at < now() - make_interval(days => 30) limit 5000)
    union all
    (select send_id from delivery
     where settled_at is null and created_at < now() - make_interval(days => 30) limit 5000)
))

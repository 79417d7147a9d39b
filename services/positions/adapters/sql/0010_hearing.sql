-- What a subscriber is told of, and how loud: what is not `on`, as `domain.hearing` writes it (exit=off,stop=silent).
-- Copies that do not know it yet tell all with a sound, as before, and leave it as it is. The constraint comes with its
-- column and holds at once: one row per person is looked at in milliseconds, and a backup is sound only with all valid.
alter table subscriber
    add column hearing text not null default ''
        constraint subscriber_hearing check (
            -- a trade is somebody's only when its message was delivered: nobody's signals are off
            hearing ~ '^([a-z]+=(silent|off)(,[a-z]+=(silent|off))*)?$' and hearing !~ '(^|,)signal=off'
        ),
    add column dashboard boolean not null default false;

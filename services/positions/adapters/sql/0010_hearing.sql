-- What a subscriber is told of, and how loud: what is not `on`, as `domain.hearing` writes it (exit=off,stop=silent).
-- Copies that do not know it yet tell all with a sound, as before, and leave it as it is. The constraint stays `not
-- valid`: it holds for all that is written from now on, and rows that are there have the default.
alter table subscriber
    add column hearing text not null default '',
    add column dashboard boolean not null default false;
alter table subscriber
    -- a trade is somebody's only when its message was delivered: nobody's signals are off
    add constraint subscriber_hearing check (
        hearing ~ '^([a-z]+=(silent|off)(,[a-z]+=(silent|off))*)?$' and hearing !~ '(^|,)signal=off'
    ) not valid;

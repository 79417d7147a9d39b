-- Rows that were written before the constraints of 0006 are held against them; others may be written meanwhile.
alter table position validate constraint position_versions;
alter table position validate constraint position_opened;
alter table position validate constraint position_ended;
alter table position validate constraint position_arrived;
alter table position validate constraint position_exit_prices;
alter table position validate constraint position_legs;
alter table position_event validate constraint position_event_versions;
alter table progress validate constraint progress_forward;

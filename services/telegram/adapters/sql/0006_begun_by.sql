-- Which copy wrote that an attempt starts: a copy that did not hear whether its word was taken, because the database went
-- away in that moment, knows its own word again, and that it made no call.
alter table delivery add column begun_by text;

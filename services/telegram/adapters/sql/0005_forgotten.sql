-- People who had themselves erased, as a keyed hash, for as long as something said before may still be under way.
create table forgotten (
    person text primary key,
    forgotten_at timestamptz not null
);
create index delivery_subscriber on delivery (subscriber_id);

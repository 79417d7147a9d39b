-- /why looks for the last signal that a subscriber was given; without this it read the whole table.
create index position_told on position (subscriber_id, proposed_at desc) where state <> 'void';

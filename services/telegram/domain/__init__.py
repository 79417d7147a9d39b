"""What the room decides, without a clock, a wire or a library: order, outcomes, policies and words."""

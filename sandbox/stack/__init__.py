"""Everything on one machine: embedded servers, the simulators, the five services, one supervisor."""

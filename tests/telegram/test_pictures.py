"""Who may go with a picture, and who carries it."""

from hypothesis import given
from hypothesis import strategies as st

from services.telegram.domain.pictures import KEY_LIFE_S, REMEMBERED_KEYS, PictureRoom


def test_nobody_goes_before_it_is_drawn():
    room = PictureRoom()

    assert room.arrive("k", "a", 60.0) == []
    assert room.unseen() == ["k"]
    assert room.drawn("k") == ["a"]
    assert room.unseen() == []


def test_one_uploads_and_the_others_follow_with_the_id():
    room = PictureRoom()
    for name in "abc":
        room.arrive("k", name, 60.0)

    assert room.drawn("k") == ["a"]
    assert room.drawn("k") == []
    assert room.uploaded("k") == ["b", "c"]
    assert room.arrive("k", "d", 60.0) == ["d"]


def test_when_the_uploader_gives_up_the_next_may_try():
    room = PictureRoom()
    for name in "ab":
        room.arrive("k", name, 60.0)
    room.drawn("k")

    assert room.give_up("k", "b") == []
    assert room.give_up("k", "a") == ["b"]


def test_a_text_may_take_the_picture_along_only_when_it_is_there_and_free():
    room = PictureRoom()
    assert not room.claim("k", "text")
    room.drawn("k")

    assert room.claim("k", "text")
    assert room.claim("k", "text")
    assert not room.claim("k", "other")
    room.give_up("k", "text")
    assert room.claim("k", "other")


def test_who_waited_long_enough_is_taken_out():
    room = PictureRoom()
    room.arrive("k", "a", 60.0)
    room.arrive("k", "b", 70.0)

    assert room.overdue(60.0) == ["a"]
    assert room.drawn("k") == ["b"]
    assert len(room) == 0


def test_a_lost_file_is_uploaded_again():
    room = PictureRoom()
    room.drawn("k")
    room.uploaded("k")
    room.lost("k")
    room.arrive("k", "a", 60.0)

    assert room.claim("k", "a")
    assert room.arrive("k", "b", 60.0) == []
    assert room.uploaded("k") == ["b"]


def test_memory_is_bounded_and_waiting_sends_are_never_forgotten():
    room = PictureRoom()
    room.arrive("waited for", "a", 60.0)
    for number in range(REMEMBERED_KEYS + 10):
        room.drawn(f"k{number}")

    assert room.drawn("waited for") == ["a"]
    assert not room.claim("k0", "x")
    assert room.claim(f"k{REMEMBERED_KEYS}", "x")


@given(st.lists(st.sampled_from(["arrive", "drawn", "give_up", "uploaded"]), max_size=40))
def test_at_most_one_upload_at_a_time(steps):
    room, uploading, is_stored = PictureRoom(), [], False
    for number, step in enumerate(steps):
        match step:
            case "arrive":
                freed = room.arrive("k", str(number), 60.0)
            case "drawn":
                freed = room.drawn("k")
            case "give_up" if uploading:
                freed = room.give_up("k", uploading.pop())
            case "uploaded" if uploading:
                uploading.pop()
                is_stored = True
                freed = room.uploaded("k")
            case _:
                freed = []
        if not is_stored:
            uploading += freed
        assert len(uploading) <= 1


def test_a_key_that_nobody_asks_for_is_forgotten_at_its_age_and_one_in_use_is_not():
    room = PictureRoom()
    room.drawn("idle")
    room.arrive("waited for", "m:1", 1e9)
    room.forget(0.0)

    room.forget(KEY_LIFE_S - 1)
    assert room.keys == 2
    room.forget(KEY_LIFE_S)

    assert room.keys == 1
    assert not room.claim("idle", "m:2")


def test_a_key_that_is_asked_for_again_begins_its_age_anew():
    room = PictureRoom()
    room.drawn("key")
    room.forget(0.0)
    room.drawn("key")
    room.forget(KEY_LIFE_S)
    assert room.keys == 1

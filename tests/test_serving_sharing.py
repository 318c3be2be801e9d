"""How addresses share what a server has: connections, memory for bodies, turns of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from longhand.config import ServingConfig
from longhand.serving.addresses import client_network
from longhand.serving.bodies import MIN_BYTES_PER_SECOND, SMALL_BYTES, WINDOW_SECONDS, Bodies, Body, SharedRoom
from longhand.serving.connections import Connections
from longhand.serving.pacing import MAX_DEBTORS, MAX_PAUSE_SECONDS, PAUSE_FACTOR, Pacing, Turns
from longhand.serving.problems import ApiError
from longhand.serving.request import BusyError


class Clock:
    """A clock that goes on when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Dropped:
    """A connection that notes whether it was dropped."""

    def __init__(self) -> None:
        self.dropped = False

    def drop(self) -> None:
        self.dropped = True


# Connections


def opened(connections: Connections, address: str, count: int) -> list[Dropped]:
    found = [Dropped() for _ in range(count)]
    for connection in found:
        connections.add(connection, address)
    return found


def test_the_address_with_most_connections_loses_the_one_that_is_idle_for_longest() -> None:
    connections = Connections(10)
    others = [opened(connections, f"10.0.0.{number}", 1)[0] for number in range(3)]
    greedy = opened(connections, "10.0.1.1", 7)
    connections.set_busy(greedy[0], "10.0.1.1")
    connections.set_busy(greedy[1], "10.0.1.1")
    connections.set_idle(greedy[1], "10.0.1.1")  # it is the last one now
    opened(connections, "10.0.0.9", 1)
    assert [one.dropped for one in greedy] == [False, False, True, False, False, False, False]
    assert not any(one.dropped for one in others)
    assert len(connections) == 10


def test_a_greedy_address_with_busy_connections_loses_its_newest() -> None:
    connections = Connections(4)
    greedy = opened(connections, "10.0.1.1", 4)
    for one in greedy:
        connections.set_busy(one, "10.0.1.1")
    (other,) = opened(connections, "10.0.0.1", 1)
    assert not other.dropped
    assert [one.dropped for one in greedy] == [False, False, False, True]
    (late,) = opened(connections, "10.0.1.1", 1)  # the only idle one
    assert late.dropped


def test_connections_are_forgotten() -> None:
    connections = Connections(3)
    for number in range(50):
        one, other = opened(connections, f"10.0.0.{number}", 2)
        connections.set_idle(one, f"10.0.0.{number}", 500)
        connections.remove(one, f"10.0.0.{number}")
        connections.remove(one, f"10.0.0.{number}")
        connections.set_idle(one, f"10.0.0.{number}", 500)
        connections.remove(other, f"10.0.0.{number}")
    assert len(connections) == 0
    assert not any(one.dropped for one in opened(connections, "10.0.0.1", 3))


def test_the_memory_of_incomplete_heads_is_bounded() -> None:
    connections = Connections(100, max_head_total=1000)
    many, few = opened(connections, "10.0.0.1", 20), opened(connections, "10.0.1.1", 3)
    for one in many:
        connections.set_idle(one, "10.0.0.1", 10)
    for size, one in ((300, few[0]), (450, few[1])):
        connections.set_idle(one, "10.0.1.1", size)
    assert not any(one.dropped for one in [*many, *few])
    connections.set_idle(few[2], "10.0.1.1", 100)
    assert [one.dropped for one in few] == [False, True, False]
    assert not any(one.dropped for one in many)


def test_ipv6_clients_count_by_their_network() -> None:
    assert client_network("2001:db8::1") == client_network("2001:db8::ffff:1")
    assert client_network("2001:db8::1") != client_network("2001:db8:0:1::1")
    assert client_network("fe80::1%eth0") == client_network("fe80::2%eth0")
    assert client_network("10.0.0.1") != client_network("10.0.0.2")
    assert client_network("not an address") == "not an address"


# Bodies


def test_no_address_takes_more_than_is_still_free() -> None:
    room = SharedRoom(1200)
    for _ in range(6):
        assert room.take("a", 100)
    assert not room.take("a", 100)
    assert all(room.take("b", 100) for _ in range(3))
    assert not room.take("b", 100)
    assert not room.take("a", 100)  # which has to give back first
    assert room.take("c", 150)
    room.give_back("a", 600)
    assert room.take("b", 100)
    room.give_back("b", 400)
    room.give_back("c", 150)
    assert room.take("d", 0)
    assert not room._held


class Coming:
    """A request that comes in parts, each after so many seconds of a clock; it never ends."""

    def __init__(self, clock: Clock, *parts: tuple[float, bytes], ends: bool = False) -> None:
        self._clock, self._parts, self._ends = clock, list(parts), ends

    async def __call__(self) -> Any:
        if not self._parts:
            await asyncio.sleep(3600)
        seconds, part = self._parts.pop(0)
        self._clock.now += seconds
        return {"type": "http.request", "body": part, "more_body": bool(self._parts) or not self._ends}


def scope(address: str, length: int | None = None) -> dict[str, Any]:
    headers = [(b"transfer-encoding", b"chunked")] if length is None else [(b"content-length", b"%d" % length)]
    return {"type": "http", "headers": headers, "client": (address, 1)}


async def started(bodies: Bodies, address: str, receive: Callable[[], Awaitable[Any]], length: int) -> Any:
    """Begin to read a body, and let it take what there is."""
    task = asyncio.ensure_future(bodies.read(scope(address, length), receive))
    for _ in range(20):
        await asyncio.sleep(0)
    return task


def test_a_body_that_comes_too_slowly_is_cut_off() -> None:
    enough = int(MIN_BYTES_PER_SECOND * WINDOW_SECONDS)

    def read(*parts: tuple[float, bytes]) -> Body:
        clock = Clock()
        bodies = Bodies(ServingConfig(), clock)
        return asyncio.run(bodies.read(scope("10.0.0.1"), Coming(clock, *parts, ends=True)))

    assert read((9.0, b"{"), (0.5, b"}")).data == b"{}"
    assert read((9.0, b" "), (1.5, b" " * enough), (9.0, b"}")).size == enough + 2
    with pytest.raises(ApiError, match="less than 240 bytes a second") as found:
        read((0.1, b" " * 3_000_000), (WINDOW_SECONDS, b" " * enough), (WINDOW_SECONDS, b" "), (0.1, b"}"))
    assert found.value.status == 408
    with pytest.raises(ApiError, match="over 30 s"):
        read(*[(9.0, b" " * enough)] * 5)


def test_small_bodies_find_room_where_large_ones_have_taken_all_of_theirs() -> None:
    async def fill() -> None:
        clock = Clock()
        bodies = Bodies(ServingConfig(body=200_000), clock, total=8_000_000)
        large = (0.0, b" " * 199_999)
        tasks = [
            await started(bodies, f"10.0.0.{number % 8}", Coming(clock, large), 200_000) for number in range(8 * 40)
        ]
        refused = [task for task in tasks if task.done() and isinstance(task.exception(), BusyError)]
        assert len(refused) > 250
        small = await bodies.read(scope("10.0.0.1"), Coming(clock, (0.0, b"{"), (0.0, b"}"), ends=True))
        whole = await bodies.read(scope("10.0.0.1"), Coming(clock, (0.0, b"x" * SMALL_BYTES), ends=True))
        other = await bodies.read(scope("10.0.0.99"), Coming(clock, large, (0.0, b"}"), ends=True))
        assert (small.size, whole.size, other.size) == (2, SMALL_BYTES, 200_000)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for body in (small, whole, other, other):
            body.release()
        again = [await started(bodies, "10.0.0.5", Coming(clock, large), 200_000) for _ in range(60)]
        assert sum(not task.done() for task in again) == 15  # half of 6 MB: everything was given back
        for task in again:
            task.cancel()
        await asyncio.gather(*again, return_exceptions=True)

    asyncio.run(fill())


def test_a_client_without_room_is_told_when_there_will_be_some() -> None:
    async def ask(*parts: tuple[float, bytes]) -> float:
        clock = Clock()
        bodies = Bodies(ServingConfig(body=2_000_000), clock, total=8_000_000)
        other = await started(bodies, "10.0.0.2", Coming(clock, (0.0, b" " * 1_900_000)), 2_000_000)
        first = await started(bodies, "10.0.0.1", Coming(clock, *parts), 2_000_000)
        with pytest.raises(BusyError) as found:
            await bodies.read(scope("10.0.0.1"), Coming(clock, (0.0, b" " * 1_900_000)))
        first.cancel()
        other.cancel()
        return found.value.retry_after

    assert asyncio.run(ask((4.0, b" " * 1_900_000), (2.0, b" " * 0))) == WINDOW_SECONDS - 6
    assert asyncio.run(ask((8.0, b" " * 1_600_000))) == 2.0  # the rest comes at 200,000 bytes a second


# Turns


def test_an_address_that_makes_work_pauses_and_no_other() -> None:
    clock = Clock()
    pacing = Pacing(clock)
    pacing.charge("a", 0.01)
    pacing.charge("a", 0.01)
    assert pacing.pause("a") == pytest.approx(0.02 * PAUSE_FACTOR)
    assert pacing.pause("b") == 0
    clock.now += 1
    assert pacing.pause("a") == 0
    pacing.charge("a", 0.00001)
    assert pacing.pause("a") == 0  # not worth it
    for _ in range(1000):
        pacing.charge("a", 1.0)
    assert pacing.pause("a") <= MAX_PAUSE_SECONDS
    for number in range(3 * MAX_DEBTORS):
        clock.now += 1
        pacing.charge(str(number), 0.1)
    assert len(pacing._until) <= MAX_DEBTORS + 1


def test_one_request_of_each_address_begins_in_a_turn_of_the_loop() -> None:
    began: list[str] = []

    async def ask(turns: Turns, address: str) -> None:
        await turns.take(address)
        began.append(address)

    async def run() -> None:
        turns = Turns()
        tasks = [asyncio.ensure_future(ask(turns, "greedy")) for _ in range(50)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        tasks += [asyncio.ensure_future(ask(turns, "other")) for _ in range(2)]
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    assert (began.count("greedy"), began.count("other")) == (49, 2)
    assert max(place for place, address in enumerate(began) if address == "other") < 8

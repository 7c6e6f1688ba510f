# producer_consumer.py - the same as producer_consumer.c, for asyncio.
import asyncio


async def baker(name, shelf, first, count, pause):
    for i in range(1, count + 1):
        bread = first + i
        await asyncio.sleep(pause)
        if shelf.full():
            print(f"{name}: bread {bread} waits, the shelf is full")
        await shelf.put(bread)
        print(f"{name}: bread {bread} is on the shelf")
    print(f"{name}: done")
    return count


async def eater(name, shelf, pause):
    eaten = 0
    while True:
        try:
            bread = await shelf.get()
        except asyncio.CancelledError:
            print(f"{name}: goes home after {eaten} breads")
            raise
        print(f"{name}: takes bread {bread}")
        await asyncio.sleep(pause)
        print(f"{name}: ate bread {bread}")
        eaten += 1
        shelf.task_done()


async def amain():
    shelf = asyncio.Queue(2)
    eaters = [
        asyncio.create_task(eater("cook", shelf, 0.24), name="cook"),
        asyncio.create_task(eater("chef", shelf, 0.18), name="chef"),
    ]
    bakers = [
        asyncio.create_task(baker("ann", shelf, 10, 4, 0.09), name="ann"),
        asyncio.create_task(baker("bob", shelf, 20, 3, 0.12), name="bob"),
    ]

    # Both bakers at once; their results, in this order.
    baked = await asyncio.gather(*bakers)
    print(f"main: {baked[0] + baked[1]} breads are baked")

    await shelf.join()
    print("main: all are eaten")

    for task in eaters:
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            print(f"main: {task.get_name()} is gone")


if __name__ == "__main__":
    asyncio.run(amain())

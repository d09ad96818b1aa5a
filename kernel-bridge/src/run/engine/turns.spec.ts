import { setImmediate } from 'node:timers/promises';
import { Turns, watchTurns } from './turns';

/** A task that sends a request after an await, and what it heard. */
function sender(turns: Turns): {
  heard: boolean[];
  send: (id: number) => Promise<void>;
} {
  const heard: boolean[] = [];
  let send!: (id: number) => void;
  void watchTurns(
    waits => heard.push(waits),
    async () => {
      await setImmediate();
      for (;;) {
        turns.enter(
          await new Promise<number>(resolve => {
            send = resolve;
          })
        );
      }
    }
  );
  return {
    heard,
    send: async id => {
      await setImmediate();
      send(id);
      await setImmediate();
    }
  };
}

it('tells a task that others are served first, and when its turn comes', async () => {
  const turns = new Turns();
  const tool = sender(turns);
  // A cell, which does not watch.
  turns.enter(1);
  turns.enter(2);
  await tool.send(3);
  expect(tool.heard).toEqual([true]);
  turns.leave(1);
  expect(tool.heard).toEqual([true]);
  turns.leave(2);
  expect(tool.heard).toEqual([true, false]);
  // Behind its own request, and before one of a cell.
  await tool.send(4);
  turns.enter(5);
  turns.leave(3);
  turns.leave(4);
  expect(tool.heard).toEqual([true, false]);
});

it('tells two tasks of each other', async () => {
  const turns = new Turns();
  const [one, other] = [sender(turns), sender(turns)];
  await one.send(1);
  await other.send(2);
  await one.send(3);
  expect([one.heard, other.heard]).toEqual([[], [true]]);
  turns.leave(1);
  // The other is served; the first has a request behind it.
  expect([one.heard, other.heard]).toEqual([[true], [true, false]]);
  turns.leave(2);
  expect([one.heard, other.heard]).toEqual([
    [true, false],
    [true, false]
  ]);
});

it('lets nobody wait for an engine that is gone', async () => {
  const turns = new Turns();
  const tool = sender(turns);
  turns.enter(1);
  await tool.send(2);
  expect(tool.heard).toEqual([true]);
  turns.clear();
  expect(tool.heard).toEqual([true, false]);
});

import { InterruptedError, Interrupter } from './interrupt';

describe('Interrupter', () => {
  const errors: unknown[] = [];
  const interrupter = new Interrupter(error => errors.push(error));
  afterAll(() => interrupter.dispose());

  it('passes results and errors on', async () => {
    await expect(interrupter.run(() => 1)).resolves.toBe(1);
    await expect(interrupter.run(async () => 2)).resolves.toBe(2);
    await expect(
      interrupter.run(() => {
        throw new Error('no');
      })
    ).rejects.toThrow('no');
  });

  it("runs nothing on its caller's stack", async () => {
    const order: string[] = [];
    const running = interrupter.run(() => order.push('task'));
    order.push('caller');
    await running;
    expect(order).toEqual(['caller', 'task']);
  });

  it('interrupts what never settles', async () => {
    const begun = jest.fn();
    const stuck = interrupter.run(() => new Promise(() => undefined));
    const neverBegun = interrupter.run(begun);
    interrupter.interrupt();
    await expect(stuck).rejects.toThrow(InterruptedError);
    await expect(neverBegun).rejects.toThrow(InterruptedError);
    await interrupter.run(() => undefined);
    expect(begun).not.toHaveBeenCalled();
  });

  it('calls back, and survives a faulty callback', () => {
    const calls: string[] = [];
    interrupter.onInterrupt(() => {
      throw new Error('faulty');
    });
    const forget = interrupter.onInterrupt(() => calls.push('called'));
    interrupter.interrupt();
    forget();
    interrupter.interrupt();
    expect(calls).toEqual(['called']);
    expect(errors).toHaveLength(2);
  });
});

/** How far long work is: what every `onProgress` is called with. */

export interface Progress {
  /** What is done, in the unit that the option names. */
  done: number;
  /** All there is to do; it can grow while work goes on. */
  total: number;
  /** What is being done now, where work has several parts. */
  what?: string;
}

/** Of work whose end is not known, such as reading a stream: `total` may be absent. */
export type StreamProgress = Omit<Progress, 'total'> & { total?: number };

/** Of work whose result can be looked at before it is complete. */
export interface PartialProgress<T> extends Progress {
  /** Makes the result as far as it is. */
  partial: () => T;
}

/** Vega-Lite specifications and the numbers behind them. Pure: used by the kernel for stills and by the front end for live views. */
export * from './measure';

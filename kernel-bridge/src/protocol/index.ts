/** What the kernel and the front end say to each other. Pure: no Node, no DOM. */
export * from './arrays';
export * from './buffers';
export * from './causality';
export * from './error';
export * from './experts';
export * from './generated';
export * from './messages';
export * from './names';
export * from './routing';
export * from './tools';
export * from './lens';
export * from './lens-view';
export * from './steering';
export * from './sweep';
export * from './sweep-view';
export * from './view';

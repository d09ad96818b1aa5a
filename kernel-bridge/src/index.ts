/** The public surface of `moe-debugger`. */
export { MoEDebuggerError, type ErrorCode } from './errors';

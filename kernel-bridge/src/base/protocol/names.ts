/** Names and versions that the kernel and the front end must agree on. */
export const COMM_TARGET = 'moe-debugger';
export const MIME_TYPE = 'application/vnd.moe-debugger.v1+json';
export const VEGALITE_MIME_TYPE = 'application/vnd.vegalite.v5+json';
export const KERNEL_NAME = 'tslab-moe';
export const KERNEL_DISPLAY_NAME = 'TypeScript (MoE Debugger)';
/** Increased when a comm message or a view document changes so that an older side cannot read it. */
export const PROTOCOL_VERSION = 1;
/** `_model_module` and `_view_module` of our widgets: the npm name of the extension. */
export const WIDGET_MODULE = 'jupyterlab-moe-debugger';
export const WIDGET_MODULE_VERSION = '^0.1.0';

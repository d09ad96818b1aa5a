/**
 * Parses the Mermaid documents on stdin (a JSON list) as JupyterLab's own copy of Mermaid does, and prints a list of its
 * errors, null where there is none. A process of its own: Mermaid is an ES module and wants a page.
 */
import { JSDOM } from 'jsdom';

const { window } = new JSDOM('<body></body>');
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import('mermaid');

const chunks = [];
for await (const chunk of process.stdin) {
  chunks.push(chunk);
}
const errors = [];
for (const text of JSON.parse(Buffer.concat(chunks).toString())) {
  try {
    await mermaid.parse(text);
    errors.push(null);
  } catch (error) {
    errors.push(String(error));
  }
}
process.stdout.write(JSON.stringify(errors));

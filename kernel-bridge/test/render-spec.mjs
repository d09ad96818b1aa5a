/**
 * Compiles the Vega-Lite documents on stdin (a JSON list) and prints their SVG as a JSON list. A process of its
 * own, because vega 6 has a top-level await and jest's modules cannot load it.
 */
import { View, parse } from 'vega';
import { compile } from 'vega-lite';

const chunks = [];
for await (const chunk of process.stdin) {
  chunks.push(chunk);
}
const warnings = [];
const logger = {
  level: () => logger,
  error: (...args) => (warnings.push(args.join(' ')), logger),
  warn: (...args) => (warnings.push(args.join(' ')), logger),
  info: () => logger,
  debug: () => logger
};
const svg = [];
for (const { spec, signals } of JSON.parse(Buffer.concat(chunks).toString())) {
  const view = new View(parse(compile(spec, { logger }).spec), {
    renderer: 'none',
    logger
  });
  for (const [name, value] of Object.entries(signals ?? {})) {
    view.signal(name, value);
  }
  svg.push(await view.toSVG());
  view.finalize();
}
process.stdout.write(JSON.stringify({ svg, warnings }));

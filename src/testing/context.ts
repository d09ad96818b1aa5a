import { nullTranslator } from '@jupyterlab/translation';
import { MoEContext } from '../context';
import { Preferences } from '../preferences';

/** A context with English texts, default settings and a light theme. */
export function testContext(): MoEContext {
  return new MoEContext({
    trans: nullTranslator.load(''),
    preferences: new Preferences()
  });
}

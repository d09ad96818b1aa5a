/** Parses the arguments of `attribute`. */
import { InvalidArgumentError, type Command } from 'commander';
import type {
  AttributionTarget,
  Baseline
} from '../../analyses/attribution/options';
import type { AttributionMethod, QuadratureRule } from '../../base/protocol';
import { readExpertPlace } from '../../base/protocol/places';
import { parseCount, parseIds, parseSeed } from './option-values';
import { addPlacesHelp } from './places';
import type { AttributeArguments } from './attribute-arguments';

export function addAttributeCommand(program: Command): void {
  const attribute = program
    .command('attribute')
    .argument('<model>', 'a folder with a .onnx file, or the file')
    .description('attribute a logit or a routing decision to tokens')
    .option('--prompt <text>', 'a text')
    .option('--input-ids <ids>', 'token ids, for example "1,2,3"', parseIds)
    .option(
      '--target <target>',
      'logit:TOKEN, an id or a text, or router:L:E; the likeliest next token',
      parseTarget
    )
    .option(
      '--position <p>',
      'token at which the target is read. Default: the last.',
      parseSeed
    )
    .option(
      '--method <method>',
      'ig, grad-input or occlusion. Default ig.',
      parseMethod
    )
    .option(
      '--steps <n>',
      'steps of integrated gradients. Default 64.',
      parseCount
    )
    .option(
      '--rule <rule>',
      'gausslegendre or midpoint. Default gausslegendre.',
      parseRule
    )
    .option(
      '--baseline <baseline>',
      'zero, mean or token:ID. Default zero.',
      parseBaseline
    )
    .option('--adaptive', 'place steps between changes of the routing')
    .option(
      '--faithfulness',
      'compute deletion and insertion curves, compared with random orders'
    )
    .option('--layers', 'also attribute to layers and experts')
    .option('--json', 'print one JSON document')
    .action(async (model: string, options: AttributeArguments) =>
      (await import('./attribute.js')).attribute(model, options)
    );
  addPlacesHelp(attribute);
}

export function parseTarget(text: string): AttributionTarget {
  const [, kind, rest] = /^(logit|router):(.+)$/s.exec(text) ?? [];
  if (kind === 'logit') {
    return { kind, token: /^\d+$/.test(rest) ? Number(rest) : rest };
  }
  const place = readExpertPlace(rest ?? '');
  if (!place) {
    throw new InvalidArgumentError(
      'give logit:TOKEN, or router:[STACK:]L[:MODULE]:E, such as router:3:5'
    );
  }
  return { kind: 'router', ...place };
}

function parseMethod(text: string): AttributionMethod {
  if (text !== 'ig' && text !== 'grad-input' && text !== 'occlusion') {
    throw new InvalidArgumentError('give ig, grad-input or occlusion');
  }
  return text;
}

function parseRule(text: string): QuadratureRule {
  if (text !== 'gausslegendre' && text !== 'midpoint') {
    throw new InvalidArgumentError('give gausslegendre or midpoint');
  }
  return text === 'midpoint' ? text : 'gauss-legendre';
}

function parseBaseline(text: string): Baseline {
  if (text === 'zero' || text === 'mean') {
    return text;
  }
  const token = /^token:(\d+)$/.exec(text);
  if (!token) {
    throw new InvalidArgumentError('give zero, mean or token:ID');
  }
  return { token: Number(token[1]) };
}

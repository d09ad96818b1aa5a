/**
 * Inlines model-local functions. A tensor inside a function cannot be a graph output, so a router there could not be
 * captured: each call is replaced by the function's nodes, with tensors renamed and attributes bound.
 */
import { MoEDebuggerError } from '../../base/errors';
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetProto
} from '../file/schema';

type Model = ModelProto & { graph: GraphProto };

/** Bounds functions that call each other and grow exponentially; far above what exporters write. */
const MAX_NODES = 500_000;
const MAX_DEPTH = 32;

/** @throws MoEDebuggerError 'model-invalid' for functions that call themselves or grow without bound */
export function inlineFunctions(model: Model, file = ''): Model {
  if (model.functions.length === 0) {
    return model;
  }
  const inliner = new Inliner(model.functions, file);
  return {
    ...model,
    functions: [],
    opsetImport: mergeOpsets(model),
    graph: inliner.graph(model.graph, 0)
  };
}

class Inliner {
  private readonly _functions: Map<string, FunctionProto>;
  private _calls = 0;
  private _nodes = 0;

  constructor(
    functions: readonly FunctionProto[],
    private readonly _file: string
  ) {
    this._functions = new Map(functions.map(f => [key(f), f]));
  }

  graph(graph: GraphProto, depth: number): GraphProto {
    const node: NodeProto[] = [];
    this._write(graph.node, depth, node);
    return { ...graph, node };
  }

  private _write(
    nodes: readonly NodeProto[],
    depth: number,
    result: NodeProto[]
  ): void {
    for (const node of nodes) {
      const body = this._functions.get(key({ ...node, name: node.opType }));
      if (body) {
        this._call(node, body, depth, result);
      } else {
        result.push(this._bodies(node, depth));
      }
      this._nodes++;
      if (this._nodes > MAX_NODES) {
        throw this._invalid(`inlined, they have more than ${MAX_NODES} nodes`);
      }
    }
  }

  private _bodies(node: NodeProto, depth: number): NodeProto {
    if (!node.attribute.some(({ g, graphs }) => g || graphs.length > 0)) {
      return node;
    }
    return {
      ...node,
      attribute: node.attribute.map(attribute => ({
        ...attribute,
        ...(attribute.g ? { g: this.graph(attribute.g, depth) } : {}),
        graphs: attribute.graphs.map(graph => this.graph(graph, depth))
      }))
    };
  }

  private _call(
    node: NodeProto,
    body: FunctionProto,
    depth: number,
    result: NodeProto[]
  ): void {
    if (depth >= MAX_DEPTH) {
      throw this._invalid(`${body.name ?? ''} calls itself`);
    }
    const prefix = `${node.name || body.name || 'call'}#${this._calls++}/`;
    const names = new Map<string, string>([['', '']]);
    // An optional input that the call omits is '', an output that it omits gets a name of its own.
    body.input.forEach((name, i) => names.set(name, node.input[i] ?? ''));
    body.output.forEach((name, i) =>
      names.set(name, node.output[i] || prefix + name)
    );
    const given = new Map<string, AttributeProto>();
    for (const attribute of [...body.attributeProto, ...node.attribute]) {
      given.set(attribute.name ?? '', attribute);
    }
    const scope = new Scope(prefix, names, given);
    this._write(
      body.node.map(inner => scope.rename(inner)),
      depth + 1,
      result
    );
  }

  private _invalid(what: string): MoEDebuggerError {
    return new MoEDebuggerError(
      'model-invalid',
      `the model's local functions cannot be read: ${what}`,
      { where: this._file, hint: 'export the model with inlined functions' }
    );
  }
}

/** The names of tensors and the values of attributes in one call. */
class Scope {
  constructor(
    private readonly _prefix: string,
    private readonly _names: Map<string, string>,
    private readonly _attributes: ReadonlyMap<string, AttributeProto>
  ) {}

  rename(node: NodeProto): NodeProto {
    return {
      ...node,
      name: node.name ? this._prefix + node.name : '',
      input: node.input.map(name => this._name(name)),
      output: node.output.map(name => this._name(name)),
      attribute: node.attribute.flatMap(attribute => this._fill(attribute))
    };
  }

  private _name(name: string): string {
    return this._names.get(name) ?? this._prefix + name;
  }

  /** Binds an attribute that refers to one of the function's; omitted when the call does not give it. */
  private _fill(attribute: AttributeProto): AttributeProto[] {
    if (attribute.refAttrName) {
      const value = this._attributes.get(attribute.refAttrName);
      return value ? [{ ...value, name: attribute.name }] : [];
    }
    return [
      {
        ...attribute,
        ...(attribute.g ? { g: this._graph(attribute.g) } : {}),
        graphs: attribute.graphs.map(graph => this._graph(graph))
      }
    ];
  }

  private _graph(graph: GraphProto): GraphProto {
    const renamed = <T extends { name?: string }>(item: T): T => ({
      ...item,
      name: this._name(item.name ?? '')
    });
    return {
      ...graph,
      node: graph.node.map(node => this.rename(node)),
      initializer: graph.initializer.map(renamed),
      input: graph.input.map(renamed),
      output: graph.output.map(renamed),
      valueInfo: graph.valueInfo.map(renamed)
    };
  }
}

function key({
  domain,
  name,
  overload
}: {
  domain?: string;
  name?: string;
  overload?: string;
}): string {
  return `${domain ?? ''}\n${name ?? ''}\n${overload ?? ''}`;
}

/** Adds the operator sets that functions import; the model's version wins for a domain that both import. */
function mergeOpsets(model: Model): OperatorSetProto[] {
  const known = new Set(model.opsetImport.map(({ domain }) => domain ?? ''));
  const added = model.functions
    .flatMap(({ opsetImport }) => opsetImport)
    .filter(({ domain }) => {
      const isNew = !known.has(domain ?? '');
      known.add(domain ?? '');
      return isNew;
    });
  return [...model.opsetImport, ...added];
}

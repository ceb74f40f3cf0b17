/** The changes that mutation testing makes to a module: each is a place in its text and what stands there instead. */
import { type AnyNode, type Expression, type Node, type Program, parse } from 'acorn';

export interface Mutant {
  readonly start: number;
  readonly end: number;
  /** An expression, or for `statement` nothing: it is left out. */
  readonly replacement: string;
  readonly kind: 'expression' | 'statement' | 'body';
  readonly operator: string;
}

const COMPARISONS: Readonly<Record<string, readonly string[]>> = {
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
};
const LOGICAL: Readonly<Record<string, string>> = { '&&': '||', '||': '&&', '??': '&&' };
const METHODS: Readonly<Record<string, string>> = {
  some: 'every',
  every: 'some',
  min: 'max',
  max: 'min',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  floor: 'ceil',
  ceil: 'floor',
};
/** Calls that are left out: their object stands for them. */
const TRANSPARENT = ['filter', 'sort', 'slice', 'trim', 'reverse', 'toSorted', 'flatMap', 'toLowerCase'];

export function findMutants(text: string): Mutant[] {
  const program = parse(text, { ecmaVersion: 'latest', sourceType: 'module' });
  const mutants: Mutant[] = [];
  visit(program, undefined, (node, parent) => mutants.push(...mutantsOf(node, parent, text)));
  return mutants;
}

type Visitor = (node: AnyNode, parent: AnyNode | undefined) => void;

function visit(node: Node | Program, parent: Node | undefined, visitor: Visitor): void {
  if (isLeftOut(node as AnyNode)) return;
  visitor(node as AnyNode, parent as AnyNode | undefined);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === 'object' && child !== null && typeof (child as Node).type === 'string') {
        visit(child as Node, node, visitor);
      }
    }
  }
}

/** Imports, and what only words a message: tests do not pin the wording of every error. */
function isLeftOut(node: AnyNode): boolean {
  if (node.type === 'ImportDeclaration' || node.type === 'TemplateLiteral') return true;
  if (node.type === 'NewExpression') return true;
  return node.type === 'ExportNamedDeclaration' && node.source != null;
}

function mutantsOf(node: AnyNode, parent: AnyNode | undefined, text: string): Mutant[] {
  const source = (part: Node): string => text.slice(part.start, part.end);
  const instead = (replacement: string, operator: string): Mutant => {
    return { start: node.start, end: node.end, replacement, kind: 'expression', operator };
  };
  switch (node.type) {
    case 'BinaryExpression': {
      if (node.operator === '+' && isText(node)) return [];
      const others = COMPARISONS[node.operator] ?? [];
      return others.map((other) =>
        instead(`${source(node.left)} ${other} ${source(node.right)}`, `${node.operator} to ${other}`),
      );
    }
    case 'LogicalExpression': {
      const other = LOGICAL[node.operator];
      // In `...(x && {…})` the other operator gives what cannot be spread the same way; the condition itself is mutated.
      return other === undefined
        ? []
        : [instead(`(${source(node.left)}) ${other} (${source(node.right)})`, `${node.operator} to ${other}`)];
    }
    case 'UnaryExpression':
      return node.operator === '!' || node.operator === '-'
        ? [instead(source(node.argument), `${node.operator} left out`)]
        : [];
    case 'ConditionalExpression':
      return [
        instead(source(node.consequent), 'always the first'),
        instead(source(node.alternate), 'always the second'),
      ];
    case 'IfStatement':
      return condition(node.test);
    case 'Literal':
      return literal(node, parent).map(([replacement, operator]) => instead(replacement, operator));
    case 'ArrayExpression':
      return node.elements.length > 0 ? [instead('[]', 'empty list')] : [];
    case 'CallExpression':
      return call(node, text);
    case 'ChainExpression':
      return [];
    case 'UpdateExpression':
      return [
        instead(node.operator === '++' ? `${source(node.argument)}--` : `${source(node.argument)}++`, 'the other way'),
      ];
    case 'ExpressionStatement':
      return [{ start: node.start, end: node.end, replacement: '', kind: 'statement', operator: 'statement left out' }];
    case 'ArrowFunctionExpression':
      return node.body.type === 'BlockStatement' ? body(node.body) : arrowBody(node.body);
    case 'FunctionDeclaration':
    case 'FunctionExpression':
      return parent?.type === 'MethodDefinition' && parent.kind === 'constructor' ? [] : body(node.body);
    default:
      return [];
  }
}

function isText(node: AnyNode): boolean {
  if (node.type === 'TemplateLiteral') return true;
  if (node.type === 'Literal') return typeof node.value === 'string';
  return (
    node.type === 'BinaryExpression' && node.operator === '+' && (isText(node.left as AnyNode) || isText(node.right))
  );
}

function condition(test: Expression): Mutant[] {
  const { start, end } = test;
  return ['true', 'false'].map((replacement) => ({
    start,
    end,
    replacement,
    kind: 'expression',
    operator: `if (${replacement})`,
  }));
}

function literal(node: AnyNode & { type: 'Literal' }, parent: AnyNode | undefined): [string, string][] {
  const isKey = (parent?.type === 'Property' || parent?.type === 'PropertyDefinition') && parent.key === node;
  if (isKey || parent?.type === 'ExportAllDeclaration' || parent?.type === 'ImportExpression') return [];
  if (typeof node.value === 'boolean') return [[String(!node.value), 'the other boolean']];
  if (typeof node.value === 'number') return [[String(node.value + 1), 'one more']];
  if (typeof node.value === 'string') return [[node.value === '' ? "'mutated'" : "''", 'another text']];
  return [];
}

function call(node: AnyNode & { type: 'CallExpression' }, text: string): Mutant[] {
  const { callee, start, end } = node;
  if (callee.type !== 'MemberExpression' || callee.computed || callee.property.type !== 'Identifier') return [];
  const { name } = callee.property;
  const made = (replacement: string, operator: string): Mutant => ({
    start,
    end,
    replacement,
    kind: 'expression',
    operator,
  });
  const other = METHODS[name];
  if (other !== undefined) {
    const { property } = callee;
    return [
      made(`${text.slice(start, property.start)}${other}${text.slice(property.end, end)}`, `${name} to ${other}`),
    ];
  }
  return TRANSPARENT.includes(name) && !node.optional && callee.object.type !== 'Super'
    ? [made(text.slice(callee.object.start, callee.object.end), `${name} left out`)]
    : [];
}

function arrowBody({ start, end }: Expression): Mutant[] {
  return [{ start, end, replacement: 'undefined', kind: 'expression', operator: 'no value' }];
}

function body({ start, body: statements }: { start: number; body: readonly unknown[] }): Mutant[] {
  if (statements.length === 0) return [];
  return [{ start: start + 1, end: start + 1, replacement: '', kind: 'body', operator: 'empty function' }];
}

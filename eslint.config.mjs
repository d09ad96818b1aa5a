import js from '@eslint/js';
import jupyter from '@jupyter/eslint-plugin';
import prettier from 'eslint-config-prettier/flat';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/** A regular expression has no properties of its own, so as a part of a pattern object it matches everything. */
const EMPTY_MATCH = {
  selector:
    "CallExpression[callee.property.name='toMatchObject'] Property > Literal[regex]",
  message: 'This matches any value: write expect.stringMatching(/.../).'
};
const FRONT_END = ['src/**/*.{ts,tsx}'];
const NODE_PACKAGE = ['kernel-bridge/**/*.ts'];
const BROWSER_TESTS = ['ui-tests/**/*.ts'];

/** What draws, for JupyterLab and for pages without it. */
const DRAWING = [
  'src/{drawing,figures,findings,outputs,routing,tools}/**/*.{ts,tsx}'
];
/** What is loaded when an application starts, JupyterLab or another one. */
const START = [
  'src/*.ts',
  'src/{mime,plugins}/**/*.ts',
  'src/panels/{index,panel}.ts',
  'src/tools/table.ts'
];

/** JupyterLab's own rules, for the code that runs in JupyterLab or drives it. */
const jupyterRules = jupyter.configs.recommended.map(config => ({
  ...config,
  plugins: { jupyter },
  files: config.files.some(glob => glob.endsWith('.json'))
    ? ['schema/*.json']
    : config.files.some(glob => glob.includes('.spec.'))
      ? ['src/**/*.spec.{ts,tsx}', 'ui-tests/**/*.{spec,test}.ts']
      : [...FRONT_END, ...BROWSER_TESTS]
}));

const typesFrom = (project, files) => ({
  files,
  languageOptions: {
    parserOptions: { project, tsconfigRootDir: import.meta.dirname }
  }
});

export default tseslint.config(
  {
    // What is generated, downloaded or bundled.
    ignores: [
      '**/node_modules/',
      '**/lib/',
      '**/dist/',
      'docs/api/html/',
      '**/generated/',
      'build/',
      'coverage/',
      '.venv/',
      '.cache/',
      'jupyterlab_moe_debugger/',
      'ui-tests/test-results/',
      'ui-tests/playwright-report/'
    ]
  },
  // Schemas are read by one rule of the Jupyter plugin; JavaScript's rules do not apply to JSON.
  { ...js.configs.recommended, files: ['**/*.{js,cjs,mjs,ts,tsx}'] },
  {
    files: ['**/*.{js,cjs,mjs}'],
    languageOptions: { globals: globals.node }
  },
  {
    // What runs inside a page.
    files: ['style/**/*.js', 'scripts/pictures.mjs'],
    languageOptions: { globals: { ...globals.node, ...globals.browser } }
  },
  {
    files: ['**/*.{js,cjs,mjs,ts,tsx}'],
    rules: {
      curly: ['error', 'all'],
      eqeqeq: 'error',
      // Such expressions remove control characters from tokens and names of untrusted files.
      'no-control-regex': 'off',
      'prefer-arrow-callback': 'error',
      'prefer-const': 'error'
    }
  },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommended],
    rules: {
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { args: 'none' }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false }
      ]
    }
  },
  // Rules that ask for types need to know which project a file belongs to.
  typesFrom('tsconfig.test.json', [...FRONT_END, ...BROWSER_TESTS]),
  typesFrom('kernel-bridge/tsconfig.test.json', NODE_PACKAGE),
  {
    // A forgotten `await` is the usual way in which a kernel or a panel loses an error.
    files: [...FRONT_END, ...NODE_PACKAGE, ...BROWSER_TESTS],
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: false }
      ]
    }
  },
  {
    // Modules that are loaded at their first use name themselves where they are asked for: see `lazily`.
    files: NODE_PACKAGE,
    rules: {
      '@typescript-eslint/no-require-imports': 'off',
      'no-restricted-syntax': [
        'error',
        {
          selector:
            ":not(CallExpression[callee.name='lazily'] > ArrowFunctionExpression > TSAsExpression) > CallExpression[callee.name='require']",
          message:
            'Import at the top of the file, or load at the first use by lazily(() => require(...) as typeof import(...), name).'
        },
        EMPTY_MATCH
      ]
    }
  },
  jupyterRules,
  {
    // JupyterLab's naming; in the Node package an interface is named for what it is.
    files: FRONT_END,
    rules: {
      '@typescript-eslint/naming-convention': [
        'error',
        {
          selector: 'interface',
          format: ['PascalCase'],
          custom: { regex: '^I[A-Z]', match: true }
        }
      ]
    }
  },
  {
    // No user reads the texts of a test.
    files: ['src/**/*.spec.{ts,tsx}'],
    rules: {
      'jupyter/no-untranslated-string': 'off',
      'no-restricted-syntax': ['error', EMPTY_MATCH]
    }
  },
  {
    files: DRAWING,
    ignores: ['**/*.spec.{ts,tsx}'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [
                '@jupyterlab/*',
                '@jupyter-widgets/*',
                '@lumino/*',
                '!@lumino/coreutils',
                '!@lumino/disposable',
                '!@lumino/signaling'
              ],
              message:
                'What draws knows neither JupyterLab nor the widgets of Lumino: VS Code and plain pages have none. Draw in an element (src/drawing), and put that into a DrawingWidget from outside.'
            },
            {
              regex: '^(\\.\\./)+(kernel|mime|panels|plugins|widgets)(/|$)',
              message:
                'What draws does not know where it stands: pass it what it needs, as an interface of src/tokens.ts.'
            }
          ]
        }
      ]
    }
  },
  {
    files: START,
    ignores: ['**/*.spec.{ts,tsx}'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [
                '@jupyterlab/*',
                '!@jupyterlab/application',
                '!@jupyterlab/apputils',
                '!@jupyterlab/rendermime',
                '!@jupyterlab/settingregistry',
                '!@jupyterlab/translation',
                '!@jupyterlab/ui-components',
                '@jupyter-widgets/*'
              ],
              allowTypeImports: true,
              message:
                'Not every application shares this package (Voila lacks some), and a static import keeps the whole extension from loading there: ask for its service with optionalService (src/plugins).'
            }
          ]
        }
      ]
    }
  },
  prettier,
  {
    // Prettier has no opinion on braces that are left out; we have.
    files: ['**/*.{js,cjs,mjs,ts,tsx}'],
    rules: { curly: ['error', 'all'] }
  }
);

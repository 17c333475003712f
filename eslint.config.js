import tseslint from 'typescript-eslint'

const size = {
  'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
  'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
  'max-params': ['error', 3],
  complexity: ['error', 15],
}

const nodeGlobals = [
  'AbortController',
  'AbortSignal',
  'Buffer',
  'Request',
  'URL',
  'clearInterval',
  'clearTimeout',
  'console',
].concat(['fetch', 'performance', 'process', 'setImmediate', 'setInterval', 'setTimeout', 'structuredClone'])

export default tseslint.config(
  // An exemption is a design discussion, not a comment.
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },
  { ignores: ['**/dist/**', '**/node_modules/**', 'coverage/**'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...size,
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    // As long as the contract is.
    files: ['**/generated/*.ts'],
    rules: { 'max-lines': 'off' },
  },
  {
    // A describe callback is a list of tests, not a function to read as one.
    files: ['**/test/**/*.ts', '**/*.test.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
  {
    // Plain JavaScript (scripts, launcher, configuration, benches) has no types to lint with, so names are checked here.
    files: ['**/*.{js,mjs,cjs}'],
    extends: [...tseslint.configs.recommended],
    languageOptions: { globals: Object.fromEntries(nodeGlobals.map((name) => [name, 'readonly'])) },
    rules: {
      ...size,
      'no-undef': 'error',
      'no-use-before-define': ['error', { functions: false, variables: false }],
      'no-unreachable': 'error',
    },
  },
)

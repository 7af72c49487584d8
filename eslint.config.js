import js from "@eslint/js";
import globals from "globals";

const BUNDLED = "snnprog/report/page/bundling.py knows named imports and exported declarations only";

export default [
  { ignores: ["**/.venv*/", "**/docs/_build/", "**/build/", "**/dist/"] },
  js.configs.recommended,
  {
    files: ["snnprog/report/page/assets/*.js"],
    languageOptions: { ecmaVersion: 2022, globals: globals.browser },
    rules: {
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "max-len": ["error", { code: 120, ignoreStrings: true }],
      "no-restricted-syntax": [
        "error",
        { selector: "ExportDefaultDeclaration, ExportAllDeclaration, ExportSpecifier", message: BUNDLED },
        { selector: "ImportDefaultSpecifier, ImportNamespaceSpecifier, ImportExpression", message: BUNDLED },
      ],
      "no-shadow": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
];

/**
 * Blanks comments or strings out of TypeScript source, keeping every offset and line break, so
 * that patterns can be looked for in what is left. It knows strings, templates with code inside,
 * comments and regular expressions; it is no parser.
 */

/** A slash after one of these starts a regular expression; after anything else it divides. */
const BEFORE_REGEX =
  /(?:^|[=(,:;[!&|?{}+\-*%~^<>]|\b(?:return|case|typeof|in|of|do|else|void))\s*$/;

/** @param {string} source @returns {string} Comments are spaces, strings are kept. */
export function blankComments(source) {
  return scan(source, { comment: blank, string: (text) => text });
}

/** @param {string} source @returns {string} The insides of strings are spaces. */
export function blankStrings(source) {
  return scan(source, {
    comment: blank,
    string: (text) => text[0] + blank(text.slice(1, -1)) + text.slice(-1),
  });
}

function blank(text) {
  return text.replace(/[^\n]/g, " ");
}

function scan(source, rules) {
  let out = "";
  let at = 0;
  while (at < source.length) {
    const rest = source.slice(at, at + 2);
    let piece;
    if (rest === "//") {
      piece = rules.comment(upTo(source, at, "\n", 0));
    } else if (rest === "/*") {
      piece = rules.comment(upTo(source, at, "*/", 2));
    } else if (rest[0] === '"' || rest[0] === "'") {
      piece = rules.string(quoted(source, at, rest[0]));
    } else if (rest[0] === "`") {
      piece = template(source, at, rules);
    } else if (rest[0] === "/" && BEFORE_REGEX.test(out.slice(-40))) {
      piece = rules.string(regularExpression(source, at));
    } else {
      piece = rest[0];
    }
    out += piece;
    at += piece.length;
  }
  return out;
}

/** The text from `at` to the mark, and `kept` characters of the mark with it. */
function upTo(source, at, mark, kept) {
  const end = source.indexOf(mark, at + 2);
  return source.slice(at, end < 0 ? source.length : end + kept);
}

function quoted(source, at, quote) {
  let end = at + 1;
  while (end < source.length && source[end] !== quote && source[end] !== "\n") {
    end += source[end] === "\\" ? 2 : 1;
  }
  return source.slice(at, end + 1);
}

function regularExpression(source, at) {
  let end = at + 1;
  let inClass = false;
  while (end < source.length && source[end] !== "\n" && (inClass || source[end] !== "/")) {
    if (source[end] === "[") inClass = true;
    if (source[end] === "]") inClass = false;
    end += source[end] === "\\" ? 2 : 1;
  }
  return source.slice(at, end + 1);
}

/** Text is treated as a string, what is inside ${…} as code. */
function template(source, at, rules) {
  let out = "`";
  let end = at + 1;
  let from = end;
  const flush = () => {
    const text = rules.string(`\`${source.slice(from, end)}\``);
    out += text.slice(1, -1);
  };
  while (end < source.length && source[end] !== "`") {
    if (source[end] === "\\") {
      end += 2;
    } else if (source.startsWith("${", end)) {
      flush();
      const inner = codeInBraces(source, end + 2);
      out += `\${${scan(inner, rules)}`;
      end += 2 + inner.length;
      from = end;
    } else {
      end++;
    }
  }
  flush();
  return `${out}\``;
}

/** The code up to, and without, the brace that closes it. */
function codeInBraces(source, at) {
  let depth = 1;
  let end = at;
  while (end < source.length) {
    const char = source[end];
    if (char === "`") end += template(source, end, { comment: (t) => t, string: (t) => t }).length;
    else if (char === '"' || char === "'") end += quoted(source, end, char).length;
    else {
      if (char === "{") depth++;
      if (char === "}" && --depth === 0) break;
      end++;
    }
  }
  return source.slice(at, end);
}

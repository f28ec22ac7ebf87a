// An expression as a tree, and what can be done to it. A path is the list of positions from the root.

export const isGroup = (node) => "op" in node;
export const at = (document, path) => path.reduce((node, position) => node.args[position], document.expr);
export const written = (path) => `expr${path.map((position) => `.args[${position}]`).join("")}`;
export const condition = () => ({ fn: "has_privilege", args: {} });
export const group = (...args) => ({ op: "AND", args });

const isNode = (node, functions) => {
    if (node === null || typeof node !== "object" || Array.isArray(node)) return false;
    if ("op" in node) {
        return ["AND", "OR", "NOT"].includes(node.op) && Array.isArray(node.args)
            && node.args.every((arg) => isNode(arg, functions));
    }
    const args = node.args ?? {};
    return functions.has(node.fn) && typeof args === "object" && !Array.isArray(args);
};

/** Whether a document has the shape of a tree; whether it is valid is the server's word. */
export const isTree = (document, functions) =>
    document !== null && typeof document === "object" && isNode(document.expr, functions);

const put = (document, path, node) => {
    if (path.length) at(document, path.slice(0, -1)).args[path.at(-1)] = node;
    else document.expr = node;
};

// Each changes the document and answers with the path where the work goes on; null when nothing can be done.

export const add = (document, path, node) => [...path, at(document, path).args.push(node) - 1];

export const remove = (document, path) => {
    if (!path.length) {
        document.expr = group(condition());
        return [];
    }
    const parent = path.slice(0, -1);
    const { args } = at(document, parent);
    args.splice(path.at(-1), 1);
    return args.length ? [...parent, Math.min(path.at(-1), args.length - 1)] : parent;
};

export const move = (document, path, by) => {
    if (!path.length) return null;
    const [parent, from] = [path.slice(0, -1), path.at(-1)];
    const { args } = at(document, parent);
    const to = from + by;
    if (to < 0 || to >= args.length) return null;
    [args[from], args[to]] = [args[to], args[from]];
    return [...parent, to];
};

export const nest = (document, path) => {
    put(document, path, group(at(document, path)));
    return [...path, 0];
};

export const moveOut = (document, path) => {
    if (!path.length) return null;
    const [parent, node] = [path.slice(0, -1), at(document, path)];
    const { args } = at(document, parent);
    if (args.length === 1) {
        put(document, parent, node);
        return parent;
    }
    if (!parent.length || at(document, parent.slice(0, -1)).op === "NOT") return null;
    args.splice(path.at(-1), 1);
    const above = parent.slice(0, -1);
    at(document, above).args.splice(parent.at(-1) + 1, 0, node);
    return [...above, parent.at(-1) + 1];
};

/** NOT takes one node, so several are put into a group first. */
export const setOperation = (document, path, op) => {
    const node = at(document, path);
    if (op === "NOT" && node.args.length > 1) node.args = [{ op: node.op, args: node.args }];
    node.op = op;
    return path;
};

/** The version that an expression needs: an older one is kept as long as nothing newer is in it. */
export const version = (document, functions) => {
    let needed = document.version === 5 ? 5 : 4;
    const visit = (node) => {
        if (isGroup(node)) return node.args.forEach(visit);
        const known = functions.get(node.fn);
        const used = known.parameters.filter(({ name }) => node.args?.[name] !== undefined);
        needed = Math.max(needed, known.since, ...used.map(({ since }) => since));
    };
    visit(document.expr);
    return needed;
};

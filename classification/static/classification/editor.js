// Shows the expression of a rule as a tree that is changed by buttons and keys, in step with its JSON beside it.
// The server checks every change; what it says is shown at its place. Without this script the JSON can be edited.
import { field } from "./arguments.js";
import { el, filled, icon, schema as read, send } from "./dom.js";
import * as tree from "./tree.js";

const PAUSE = 300; // ms without typing before the server is asked

const start = (editor) => {
    const schema = read();
    const { texts } = schema;
    const functions = new Map(schema.functions.map((one) => [one.name, one]));
    const part = (name) => editor.querySelector(`[data-${name}]`);
    const [shown, messages, area, beside] = [part("tree"), part("messages"), editor.querySelector("textarea"), part("json")];
    const kindField = document.querySelector("select[name=db_type]");
    const kind = () => kindField?.value || document.getElementById("trial")?.dataset.dbType || "";
    let draft = null;
    let timer = 0;
    let pending = new AbortController();

    // What the server says ---------------------------------------------------------------------------------------

    const place = (path) => {
        const places = [...shown.querySelectorAll("[data-path]")];
        const around = places.filter(({ dataset }) => path === dataset.path || (path.startsWith(dataset.path) && /[.[]/.test(path[dataset.path.length])));
        return around.sort((one, other) => other.dataset.path.length - one.dataset.path.length)[0] ?? null;
    };

    /** What is said of a path, with the name that the place has in the tree. */
    const placed = (text, path, where) => {
        const field = where.querySelector(":scope > label")?.textContent;
        const name = [where.closest("[data-node]").getAttribute("aria-label"), field].filter(Boolean).join(" · ");
        return text.replace(new RegExp(`(?<!\\w)${path.replace(/[.[\]]/g, "\\$&")}(?![\\w.[])`, "g"), () => name);
    };

    const tell = (found) => {
        for (const old of shown.querySelectorAll(".wf-said")) old.remove();
        for (const old of shown.querySelectorAll(".wf-refused, .wf-doubted")) {
            old.classList.remove("wf-refused", "wf-doubted");
            old.querySelector("[aria-invalid]")?.removeAttribute("aria-invalid");
        }
        messages.replaceChildren();
        for (const { path, text: said, tone } of found) {
            const where = path && !shown.inert ? place(path) : null; // an inert tree is not what the JSON says
            const text = where ? placed(said, path, where) : said;
            messages.append(el("p", { class: `wf-message-${tone}` }, text));
            if (!where) continue;
            where.classList.add(tone === "bad" ? "wf-refused" : "wf-doubted");
            where.append(el("span", { class: `wf-said wf-message-${tone}` }, text));
            if (tone === "bad") where.querySelector("input, select")?.setAttribute("aria-invalid", "true");
        }
    };

    const check = async (document) => {
        pending.abort();
        pending = new AbortController();
        const fields = { rule_expression: JSON.stringify(document), db_type: kind() };
        const answer = await send(schema.urls.check, fields, pending.signal, texts);
        if (answer === null) return;
        if (answer.problem) tell([{ path: answer.path, text: answer.problem, tone: "bad" }]);
        else if (answer.warnings.length) tell(answer.warnings.map(({ path, message }) => ({ path, text: message, tone: "doubt" })));
        else tell([{ path: "", text: texts.checked, tone: "good" }]);
    };

    const checkSoon = (document) => {
        editor.dispatchEvent(new Event("draft", { bubbles: true }));
        clearTimeout(timer);
        timer = setTimeout(() => check(document), PAUSE);
    };

    // From the tree to the JSON and back -------------------------------------------------------------------------

    const changed = () => {
        draft = { version: tree.version(draft, functions), expr: draft.expr };
        area.value = JSON.stringify(draft, null, 2);
        checkSoon(draft);
    };

    const act = (path, control, change) => {
        const next = change(draft, path);
        if (next === null) return;
        changed();
        render();
        const node = shown.querySelector(`[data-node="${CSS.escape(tree.written(next))}"]`);
        const wanted = node?.querySelector(`:scope > .wf-node-head [data-control="${control}"]:not(:disabled)`);
        (wanted ?? node?.querySelector("select, input, button"))?.focus();
    };

    const KEYS = {
        ArrowUp: ["up", (document, path) => tree.move(document, path, -1)],
        ArrowDown: ["down", (document, path) => tree.move(document, path, 1)],
        ArrowRight: ["nest", tree.nest],
        ArrowLeft: ["out", tree.moveOut],
        Delete: ["remove", tree.remove],
    };

    const buttons = (path, name) => {
        const siblings = path.length ? tree.at(draft, path.slice(0, -1)).args.length : 1;
        const button = (control, symbol, change, usable = true) => el("button", {
            type: "button", class: "wf-tool", title: texts[control], "aria-label": `${texts[control]}: ${name}`,
            "data-control": control, disabled: !usable, onclick: () => act(path, control, change),
        }, icon(symbol));
        return el("span", { class: "wf-tools" },
            button("up", "arrow_upward", KEYS.ArrowUp[1], path.length > 0 && path.at(-1) > 0),
            button("down", "arrow_downward", KEYS.ArrowDown[1], path.length > 0 && path.at(-1) < siblings - 1),
            button("nest", "format_indent_increase", tree.nest),
            button("out", "format_indent_decrease", tree.moveOut, path.length > 0),
            button("remove", "delete", tree.remove, path.length > 0));
    };

    const node = (path) => {
        const [known, where] = [tree.at(draft, path), tree.written(path)];
        const isGroup = tree.isGroup(known);
        const number = path.map((position) => position + 1).join(".");
        const name = `${isGroup ? texts.group : texts.condition} ${number}`.trim();
        const keys = (event) => {
            const found = event.altKey && !event.ctrlKey && !event.metaKey && KEYS[event.key];
            if (!found) return;
            event.preventDefault();
            event.stopPropagation();
            act(path, found[0], found[1]);
        };
        const made = el("div", { class: isGroup ? "wf-node wf-group" : "wf-node wf-condition", role: "group",
            "aria-label": name, "data-node": where, "data-path": where, onkeydown: keys });
        const options = isGroup
            ? schema.operations.map(({ value, label }) => [value, label, true])
            : schema.functions.map((one) => [one.name, one.label, !one.db_types.length || !kind() || one.db_types.includes(kind())]);
        const choose = ({ target }) => act(path, "kind", (document) => {
            if (isGroup) return tree.setOperation(document, path, target.value);
            const [before, after] = [known.args ?? {}, functions.get(target.value)];
            known.fn = target.value;
            // What both have is kept: a name that was typed stands for the next function, too.
            known.args = Object.fromEntries(after.parameters.map(({ name: key }) => [key, before[key]]).filter(([, value]) => value !== undefined));
            return path;
        });
        made.append(el("div", { class: "wf-node-head" },
            number ? el("span", { class: "wf-number", "aria-hidden": "true" }, number) : null,
            el("select", { class: "wf-input wf-kind", "aria-label": name, "data-control": "kind", onchange: choose },
                ...options.filter(([value, , usable]) => usable || value === known.fn)
                    .map(([value, label]) => el("option", { value, selected: value === (known.op ?? known.fn) }, label))),
            buttons(path, name)));
        made.append(isGroup ? group(known, path, name) : conditionFields(known, where));
        return made;
    };

    const group = (known, path, name) => {
        const isFull = known.op === "NOT" && known.args.length > 0;
        const adder = (text, symbol, make) => el("button", { type: "button", class: "wf-add", "aria-label": `${text}: ${name}`,
            onclick: () => act(path, "kind", (document) => tree.add(document, path, make())) }, icon(symbol), ` ${text}`);
        return el("div", { class: "wf-children" },
            ...known.args.map((_, position) => node([...path, position])),
            isFull ? null : el("div", { class: "wf-adders" },
                adder(texts.add_condition, "add", tree.condition),
                adder(texts.add_group, "account_tree", () => tree.group(tree.condition()))));
    };

    const conditionFields = (known, where) => {
        const args = (known.args ??= {});
        return el("div", { class: "wf-arguments" }, ...functions.get(known.fn).parameters.map((parameter) => field({
            schema, kind: kind(), parameter, args, path: `${where}.args.${parameter.name}`,
            changed: (value) => {
                if (value === undefined) delete args[parameter.name];
                else args[parameter.name] = value;
                changed();
                if (parameter.name === "scope") { // other names are offered now
                    render();
                    shown.querySelector(`[data-path="${CSS.escape(`${where}.args.scope`)}"] select`)?.focus();
                }
            },
        })));
    };

    const render = () => shown.replaceChildren(node([]));

    const load = (isFirst) => {
        let document;
        try {
            document = JSON.parse(area.value);
        } catch (error) {
            clearTimeout(timer);
            editor.dispatchEvent(new Event("draft", { bubbles: true }));
            shown.inert = true;
            tell([{ path: "", text: filled(texts.not_json, { problem: error.message }), tone: "bad" }]);
            return;
        }
        const isTree = tree.isTree(document, functions);
        shown.inert = !isTree;
        if (isTree) {
            draft = document;
            render();
        } else if (draft === null) {
            shown.replaceChildren(el("p", {}, texts.not_shown));
        }
        if (!isFirst) checkSoon(document);
    };

    area.addEventListener("input", () => load(false));
    kindField?.addEventListener("change", () => { if (draft) { render(); checkSoon(draft); } });
    beside.open = window.matchMedia("(min-width: 80rem)").matches;
    shown.hidden = part("keys").hidden = false;
    load(true);
};

for (const editor of document.querySelectorAll("[data-editor]")) start(editor);

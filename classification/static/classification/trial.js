// Tries a draft out on the page of its rule: who would enter and leave, and why it holds for one account.
import { ask, el, filled, look, schema as read } from "./dom.js";

const AT_ONCE = 20; // accounts of a list
const PAUSE = 250; // ms without typing before accounts are looked for

const start = (trial) => {
    const schema = read();
    const { texts, urls } = schema;
    const area = document.querySelector("[data-editor] textarea");
    const [result, found, explanation] = ["result", "found", "explanation"].map((name) => trial.querySelector(`[data-${name}]`));
    const value = (name) => document.querySelector(`select[name=${name}]`)?.value;
    const kind = () => value("db_type") || trial.dataset.dbType || "";
    const classification = () => Number(value("classification") || trial.dataset.classification || 0);
    let [asked, explained, searched] = [new AbortController(), new AbortController(), new AbortController()];

    const problem = (text) => el("p", { class: "wf-message-bad" }, text);

    // Who would enter and leave ----------------------------------------------------------------------------------

    const list = (name, numbers) => {
        const [number, accounts] = [numbers[name], numbers[`${name}_accounts`]];
        if (!number) return name === "entering" || name === "leaving" ? el("p", {}, filled(texts[name], { number })) : null;
        const rows = el("ul", { class: "wf-named" });
        const where = el("span");
        let first = 0;
        const show = () => {
            const page = accounts.slice(first, first + AT_ONCE);
            rows.replaceChildren(...page.map((one) => el("li", {},
                el("a", { class: "wf-link", href: urls.account.replace("/0/", `/${one.account_id}/`) }, one.account),
                ` — ${one.instance_name} `,
                el("button", { type: "button", class: "wf-add", "aria-label": `${texts.why} ${one.account} — ${one.instance_name}`, onclick: () => explain(one.account_id, `${one.account} — ${one.instance_name}`) }, texts.why))));
            where.textContent = filled(texts.shown, { first: first + 1, last: first + page.length, number });
            earlier.disabled = first === 0;
            later.disabled = first + AT_ONCE >= accounts.length;
        };
        const turn = (by) => () => { first += by; show(); };
        const earlier = el("button", { type: "button", class: "wf-add", onclick: turn(-AT_ONCE) }, texts.earlier);
        const later = el("button", { type: "button", class: "wf-add", onclick: turn(AT_ONCE) }, texts.later);
        show();
        return el("details", { class: "wf-verdict", open: name === "entering" || name === "leaving", "data-list": name },
            el("summary", {}, filled(texts[name], { number })), rows,
            accounts.length > AT_ONCE ? el("p", { class: "wf-turns" }, earlier, where, later) : null,
            number > accounts.length ? el("p", {}, filled(texts.first_only, { number: accounts.length })) : null);
    };

    const preview = async () => {
        if (!kind() || !classification()) return result.replaceChildren(problem(texts.choose_first));
        asked.abort();
        asked = new AbortController();
        result.replaceChildren(el("p", {}, texts.working));
        const rule = trial.dataset.rule ? { rule_id: Number(trial.dataset.rule) } : {};
        const body = { rule_expression: area.value, db_type: kind(), classification_id: classification(), ...rule };
        const answer = await ask(urls.preview, body, asked.signal, texts);
        if (answer === null) return;
        if (answer.problem) return result.replaceChildren(problem(answer.problem));
        const lists = ["entering", "leaving", "unknown", "without_facts"].map((name) => list(name, answer.data));
        result.replaceChildren(
            el("p", {}, filled(texts.evaluated, answer.data)),
            ...(answer.data.is_complete ? [] : [el("p", { class: "wf-message-doubt" }, texts.incomplete)]),
            ...lists.filter((one) => one !== null));
    };

    // Why it holds for an account --------------------------------------------------------------------------------

    const words = Object.fromEntries([...schema.operations.map(({ value: op, label }) => [op, label]), ...schema.functions.map(({ name, label }) => [name, label])]);
    const outcomes = { true: ["good", texts.holds], false: ["quiet", texts.fails], unknown: ["doubt", texts.nobody] };

    const steps = (node) => {
        const [tone, outcome] = outcomes[node.outcome];
        const args = Object.values(node.args).map(String).join(", ");
        return el("li", { "data-path": node.path },
            el("span", { class: "wf-step" }, words[node.name] ?? node.name, args ? el("code", {}, ` ${args}`) : null),
            " ", el("span", { class: `wf-outcome wf-message-${tone}` }, outcome),
            ...node.evidence.map((word) => el("code", { class: "wf-evidence" }, word)),
            node.unread.length ? ` ${texts.unread} ` : null,
            ...node.unread.map((scope) => el("code", { class: "wf-evidence" }, scope)),
            node.children.length ? el("ul", {}, ...node.children.map(steps)) : null);
    };

    const explain = async (account, name) => {
        explained.abort();
        explained = new AbortController();
        found.replaceChildren();
        const answer = await ask(urls.explain, { account_id: account, rule_expression: area.value }, explained.signal, texts);
        if (answer === null) return;
        explanation.replaceChildren(el("h3", {}, name), answer.problem ? problem(answer.problem) : el("ul", { class: "wf-steps" }, steps(answer.data)));
        explanation.scrollIntoView({ block: "nearest" });
    };

    const search = async (text) => {
        searched.abort();
        searched = new AbortController();
        if (!text) return found.replaceChildren();
        if (!kind()) return found.replaceChildren(el("li", {}, texts.choose_first));
        const answer = await look(urls.accounts, { q: text, db_type: kind() }, searched.signal);
        if (answer === null) return;
        if (answer.failed) return found.replaceChildren(el("li", {}, texts.unreachable));
        found.replaceChildren(...answer.accounts.map((one) => el("li", {}, el("button", { type: "button", class: "wf-add", onclick: () => explain(one.id, one.text) }, one.text))));
        if (!answer.accounts.length) found.append(el("li", {}, texts.nobody_found));
        if (answer.has_more) found.append(el("li", { class: "wf-hint" }, texts.more_accounts));
    };

    // What was found for another draft would be taken for this one's.
    const forget = () => {
        asked.abort();
        explained.abort();
        result.replaceChildren();
        explanation.replaceChildren();
    };

    let timer = 0;
    const field = trial.querySelector("input[type=search]");
    field.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(() => search(field.value.trim()), PAUSE);
    });
    trial.querySelector("[data-preview]").addEventListener("click", preview);
    document.addEventListener("draft", forget);
    for (const chosen of document.querySelectorAll("select[name=classification], select[name=db_type]")) chosen.addEventListener("change", forget);
    trial.hidden = false;
};

const trial = document.getElementById("trial");
if (trial) start(trial);

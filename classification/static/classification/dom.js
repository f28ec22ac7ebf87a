// Makes elements, fills texts and asks the server: what the scripts of this folder have in common.

/** An element; `on…` attributes are listeners, true is an attribute without a value, null and false are none. */
export const el = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
        else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
};

export const icon = (name) => el("span", { class: "material-symbols-outlined", "aria-hidden": "true" }, name);

/** "{number} accounts" with its places filled. */
export const filled = (text, places) => text.replace(/\{(\w+)\}/g, (whole, name) => places[name] ?? whole);

export const schema = () => JSON.parse(document.getElementById("rule-editor-schema").textContent);

const token = () => document.querySelector("[name=csrfmiddlewaretoken]").value;

/** What the admin answers to a form: its document; null when a later question has taken its place. */
export const send = async (url, fields, signal, texts) => {
    try {
        const response = await fetch(url, { method: "POST", headers: { "X-CSRFToken": token() }, body: new URLSearchParams(fields), signal });
        return await response.json();
    } catch (error) {
        return error.name === "AbortError" ? null : { problem: texts.unreachable, path: "" };
    }
};

/** A document that the admin answers to a question; {failed} when it does not, null when a later question has taken its place. */
export const look = async (url, query, signal) => {
    try {
        const response = await fetch(`${url}?${new URLSearchParams(query)}`, { signal });
        return response.ok ? await response.json() : { failed: true };
    } catch (error) {
        return error.name === "AbortError" ? null : { failed: true };
    }
};

/** The answer of the REST API: {data} or {problem, path}; null when a later question has taken its place. */
export const ask = async (url, body, signal, texts) => {
    const headers = { "Content-Type": "application/json", "Accept": "application/json", "X-CSRFToken": token() };
    try {
        const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal });
        const answer = await response.json();
        if (response.ok) return { data: answer.data };
        return { problem: answer.message, path: answer.extra?.path ?? "" };
    } catch (error) {
        return error.name === "AbortError" ? null : { problem: texts.unreachable, path: "" };
    }
};

// The fields for the arguments of a function, with the names that the chosen database kind is known to have.
import { el, look } from "./dom.js";

const PAUSE = 250; // ms without typing before roles are looked for

/** The names to offer for an argument. */
export const offered = (schema, kind, parameter, args) => {
    const offers = schema.offers[kind];
    if (!offers || !parameter.suggest) return [];
    return offers[parameter.suggest === "scope" ? `scope:${args.scope ?? ""}` : parameter.suggest] ?? [];
};

/** Fills the list of a field with the roles that the server finds for what is typed; `more` says when there are others. */
const findRoles = ({ schema, kind, list, more }) => {
    let [asked, timer] = [new AbortController(), 0];
    return ({ target }) => {
        clearTimeout(timer);
        timer = setTimeout(async () => {
            asked.abort();
            asked = new AbortController();
            const answer = kind ? await look(schema.urls.roles, { q: target.value, db_type: kind }, asked.signal) : { failed: true };
            if (answer === null) return;
            list.replaceChildren(...(answer.names ?? []).map((name) => el("option", { value: name })));
            more.textContent = answer.has_more ? schema.texts.more_roles : "";
        }, PAUSE);
    };
};

const selectOf = (parameter, value, options, attributes, changed) =>
    el("select", { ...attributes, class: "wf-input", onchange: ({ target }) => changed(target.value) },
        ...(parameter.required && value !== undefined ? [] : [["", parameter.empty]])
            .concat(options)
            .map(([key, label]) => el("option", { value: key, selected: key === String(value ?? "") }, label)));

const boxes = (parameter, value, attributes, changed) => {
    const chosen = new Set(Array.isArray(value) ? value : []);
    const toggle = ({ target }) => {
        if (target.checked) chosen.add(target.value);
        else chosen.delete(target.value);
        changed(parameter.choices.map((choice) => choice.value).filter((one) => chosen.has(one)));
    };
    return el("span", { class: "wf-boxes", role: "group", "aria-label": parameter.label, id: attributes.id },
        ...parameter.choices.map((choice) => el("label", {},
            el("input", { type: "checkbox", value: choice.value, checked: chosen.has(choice.value), onchange: toggle }),
            ` ${choice.label}`)));
};

/** A labelled field. `changed(value)` gets undefined for an argument that is left out. */
export const field = ({ schema, kind, parameter, args, path, changed }) => {
    const { texts } = schema;
    const value = args[parameter.name];
    const id = `argument-${path.replace(/\W+/g, "-")}`;
    const some = (given) => changed(given === "" ? undefined : given);
    let input;
    if (parameter.kind === "flag") {
        input = selectOf({ required: false, empty: texts.any }, value, [["true", texts.yes], ["false", texts.no]], { id },
            (given) => changed(given === "" ? undefined : given === "true"));
    } else if (parameter.kind === "days") {
        input = el("input", { id, type: "number", min: 1, max: 36500, class: "wf-input", value: value ?? "",
            oninput: ({ target }) => changed(target.value === "" ? undefined : Number(target.value)) });
    } else if (["words", "db_types"].includes(parameter.kind)) {
        input = boxes(parameter, value, { id }, changed);
    } else if (parameter.choices.length) {
        const known = parameter.name === "scope" ? schema.offers[kind]?.scopes : null;
        const options = parameter.choices.filter((one) => !known || known.includes(one.value) || one.value === value);
        const empty = parameter.required ? `${texts.choose} …` : texts.any;
        input = selectOf({ ...parameter, empty }, value, options.map((one) => [one.value, one.label]), { id }, some);
    } else {
        const names = offered(schema, kind, parameter, args);
        const isRole = parameter.suggest === "roles";
        const list = isRole || names.length ? el("datalist", { id: `${id}-names` }, ...names.map((name) => el("option", { value: name }))) : null;
        const more = isRole ? el("span", { class: "wf-offered wf-message-quiet", role: "status" }) : null;
        const find = isRole ? findRoles({ schema, kind, list, more }) : () => {};
        input = el("span", {},
            el("input", { id, type: "text", class: "wf-input", autocomplete: "off", spellcheck: "false", value: value ?? "",
                list: list ? list.id : null, placeholder: parameter.required ? null : texts.any,
                onfocus: find, oninput: (event) => { some(event.target.value); find(event); } }),
            list, more);
    }
    return el("span", { class: "wf-argument", "data-path": path }, el("label", { for: id }, parameter.label), input);
};

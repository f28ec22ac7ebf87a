// Follows running sessions without reloading: the page of one by the JSON API, the list by itself.
// Without this script both pages show the state at the time they were loaded.
(() => {
    "use strict";

    const PATIENCE = 5; // polls in a row that may fail

    const duration = (seconds) => {
        if (seconds < 60) return `${seconds.toFixed(1)} s`;
        const whole = Math.round(seconds);
        const two = (number) => String(number).padStart(2, "0");
        const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
        return hours ? `${hours}:${two(minutes)}:${two(rest)} h` : `${minutes}:${two(rest)} min`;
    };

    const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

    // Replaces parts of this page by what the server shows now; what somebody works in stays as it is.
    const refresh = async (...ids) => {
        const response = await fetch(location.href, { credentials: "same-origin" });
        if (!response.ok || response.redirected) throw new Error(response.statusText);
        const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
        for (const id of ids) {
            const [before, after] = [document.getElementById(id), fresh.getElementById(id)];
            if (!before || !after || before.contains(document.activeElement)) continue;
            before.replaceWith(after);
            window.htmx?.process(after);
        }
    };

    const followSession = async (page) => {
        const summary = document.getElementById("session-summary");
        const put = (name, value) => {
            const place = summary.querySelector(`[data-${name}]`);
            if (place) place.textContent = value;
        };
        let announced = null;
        let seen = "";
        let failures = 0;

        const show = (session) => {
            const counts = {
                completed: session.successful_instances,
                failed: session.failed_instances,
                cancelled: session.cancelled_instances,
                skipped: session.skipped_instances,
                pending: session.pending_instances,
                running: session.running_instances,
            };
            const total = Object.values(counts).reduce((sum, number) => sum + number, 0);
            const percentage = session.progress_percentage;
            put("percentage", percentage);
            put("finished", total - counts.pending - counts.running);
            put("total", total);
            put("duration", duration(session.duration_seconds));
            const bar = summary.querySelector("[role=progressbar]");
            bar.setAttribute("aria-valuenow", percentage);
            bar.replaceChildren(
                ...["completed", "failed", "cancelled", "skipped"]
                    .filter((status) => counts[status])
                    .map((status) => {
                        const segment = document.createElement("span");
                        segment.className = `wf-bar-${status}`;
                        segment.style.width = `${(100 * counts[status]) / total}%`;
                        return segment;
                    }),
            );
            const step = Math.floor(percentage / 10); // a screen reader hears every tenth, not every record
            if (step !== announced) {
                announced = step;
                put("announce", `${percentage} %`);
            }
            return JSON.stringify(counts);
        };

        for (;;) {
            await wait(Number(page.dataset.every));
            if (document.hidden) continue;
            try {
                const response = await fetch(page.dataset.follow, {
                    headers: { Accept: "application/json" },
                    credentials: "same-origin",
                });
                if (!response.ok) throw new Error(response.statusText);
                const session = (await response.json()).data.session;
                const now = show(session);
                if (session.status !== "running") {
                    document.activeElement?.closest("#session-body")?.contains(document.activeElement) &&
                        document.activeElement.blur();
                    await refresh("session-summary", "session-body", "session-cards", "header-inner");
                    return;
                }
                if (now !== seen) await refresh("session-body", "session-cards");
                seen = now;
                failures = 0;
            } catch {
                failures += 1;
                if (failures < PATIENCE) continue;
                const notice = summary.querySelector("[data-lost-notice]");
                notice.textContent = page.dataset.lost;
                notice.hidden = false;
                return;
            }
        }
    };

    // Refreshes a part of the page for as long as it holds something that will change.
    const followWhile = async (changing, id, milliseconds) => {
        for (let failures = 0; failures < PATIENCE && document.querySelector(changing); ) {
            await wait(milliseconds);
            if (document.hidden) continue;
            try {
                await refresh(id);
                failures = 0;
            } catch {
                failures += 1;
            }
        }
    };

    const follow = async () => {
        const page = document.querySelector("[data-follow]");
        if (page) await followSession(page);
        await followWhile("#session-body [data-cancelling]", "session-body", 2000);
        await followWhile("#changelist [data-running]", "changelist-form", 5000);
    };
    follow();
})();

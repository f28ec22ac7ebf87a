// Draws the size charts of a page with the Chart.js that the admin brings along.
// Without this script the table beneath each chart says the same.
//
// kind: "line" (the usual one), "bar" (a bar for each position) or "ranking" (bars that lie, the first one on top).
// unit: "size" in bytes (the usual one) or "percent".
(() => {
    "use strict";

    const UNITS = ["B", "KB", "MB", "GB", "TB", "PB"];
    const LANGUAGE = document.documentElement.lang || "en";

    const size = (bytes) => {
        let [value, unit] = [Math.abs(bytes), 0];
        while (value >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
        const digits = unit && value < 100 ? 1 : 0;
        const number = value.toLocaleString(LANGUAGE, { maximumFractionDigits: digits });
        return `${bytes < 0 ? "−" : ""}${number} ${UNITS[unit]}`;
    };

    // Like the pages: what nobody would count the digits of is a power of ten.
    const percent = (value) => {
        const [whole, sign] = [Math.abs(value), value < 0 ? "−" : ""];
        const power = whole < 1e6 ? 0 : Number(whole.toExponential(2).split("e")[1]);
        const number = (whole / 10 ** power).toLocaleString(LANGUAGE, { maximumFractionDigits: 2 });
        const raised = [...String(power)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
        return `${sign}${number}${power ? `·10${raised}` : ""} %`;
    };

    // Round steps of the unit that the axis has: Chart.js would choose round numbers of bytes.
    const step = (highest) => {
        let unit = 1;
        while (highest >= unit * 1024) unit *= 1024;
        const rough = highest / unit / 5;
        const power = 10 ** Math.floor(Math.log10(rough || 1));
        const nice = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
        return Math.max(1, nice * unit);
    };

    // Long names are told apart by their ends as much as by their beginnings.
    const shortened = (name, most) =>
        name.length > most ? `${name.slice(0, Math.ceil(most / 2))}…${name.slice(1 - Math.floor(most / 2))}` : name;

    const colours = (canvas) => {
        const style = getComputedStyle(canvas);
        const of = (name) => style.getPropertyValue(`--wf-chart-${name}`).trim();
        return { size: of("size"), data: of("data"), log: of("log"), trend: of("trend"), band: of("band"),
            limit: of("limit"), partial: of("partial"), grid: of("grid"), text: of("text"), fill: of("fill"),
            max: of("max"), min: of("min"), palette: of("palette").split(",").map((one) => one.trim()) };
    };

    // Of a series whose key is not a colour: one of the palette, dashed when that begins anew.
    const own = (colour, key, number) => colour[key] || colour.palette[number % colour.palette.length];

    const faint = (colour) => ({ borderColor: colour, backgroundColor: colour, borderWidth: 2, pointHoverRadius: 4 });

    const bars = (shown, colour) =>
        shown.series.map(({ label, values, partial }) => {
            const marked = new Set(partial);
            const painted = ({ dataIndex: at }) =>
                marked.has(at) ? colour.partial : values[at] < 0 ? colour.data : colour.size;
            return { label, data: values, backgroundColor: painted, maxBarThickness: 24, borderRadius: 2 };
        });

    const datasets = (shown, colour) => {
        const sets = shown.series.map(({ key, label, values, partial: marked }, number) => {
            const partial = new Set(marked || (number === 0 ? shown.partial : []));
            const line = own(colour, key, number);
            const isMain = key === "size";
            return {
                label, data: values, spanGaps: false, ...faint(line),
                fill: isMain ? "origin" : false,
                ...(isMain ? { backgroundColor: colour.fill } : { borderWidth: 1.5 }),
                ...(!colour[key] && number >= colour.palette.length ? { borderDash: [6, 3] } : {}),
                // A position between two gaps has no line to be seen by.
                pointRadius: ({ dataIndex: at }) =>
                    partial.has(at) ? 4 : values[at - 1] == null && values[at + 1] == null ? 2.5 : 0,
                pointBackgroundColor: ({ dataIndex: at }) => (partial.has(at) ? colour.partial : line),
                pointBorderWidth: 0,
            };
        });
        if (shown.trend) {
            const from = Array(shown.trend.from).fill(null);
            const dashed = { borderDash: [6, 4], pointRadius: 0, fill: false };
            sets.push({ label: shown.trend.label, data: [...from, ...shown.trend.expected], ...faint(colour.trend), ...dashed });
            const edge = { ...faint(colour.band), borderWidth: 0, pointRadius: 0, pointHoverRadius: 0 };
            sets.push({ label: shown.trend.range_label, data: [...from, ...shown.trend.high], ...edge, fill: "+1" });
            sets.push({ label: "", data: [...from, ...shown.trend.low], ...edge, fill: false });
        }
        if (shown.limit) {
            const straight = Array(shown.days.length).fill(shown.limit.value);
            sets.push({ label: shown.limit.label, data: straight, ...faint(colour.limit), borderDash: [2, 3], pointRadius: 0, pointHoverRadius: 0, fill: false });
        }
        return sets;
    };

    const draw = (canvas, shown) => {
        const colour = colours(canvas);
        const isLine = !shown.kind || shown.kind === "line";
        const isRanking = shown.kind === "ranking";
        const sets = isLine ? datasets(shown, colour) : bars(shown, colour);
        const known = sets.flatMap((set) => set.data).filter((value) => value != null);
        const highest = Math.max(1, ...known.map(Math.abs));
        const isSize = shown.unit !== "percent";
        const figure = isSize ? size : percent;
        const names = {
            grid: { display: false },
            border: { color: colour.grid },
            ticks: {
                color: colour.text, autoSkipPadding: 24, maxRotation: 0, autoSkip: !isRanking,
                // Names may be long, and the bars are what is to be seen.
                ...(isRanking ? { callback(value) {
                    return shortened(this.getLabelForValue(value), Math.max(12, Math.floor(canvas.clientWidth / 24)));
                } } : {}),
            },
        };
        const figures = {
            beginAtZero: true,
            border: { display: false },
            grid: { color: colour.grid },
            ticks: { color: colour.text, callback: figure, ...(isSize ? { stepSize: step(highest) } : {}) },
        };
        return new Chart(canvas, {
            type: isLine ? "line" : "bar",
            data: { labels: shown.days, datasets: sets },
            options: {
                animation: false,
                responsive: true,
                maintainAspectRatio: false,
                indexAxis: isRanking ? "y" : "x",
                interaction: { mode: "index", axis: isRanking ? "y" : "x", intersect: false },
                scales: isRanking ? { x: figures, y: names } : { x: names, y: figures },
                plugins: {
                    legend: {
                        display: isLine,
                        align: "start",
                        position: "bottom",
                        labels: {
                            boxHeight: 8,
                            boxWidth: 16,
                            color: colour.text,
                            filter: (item) => item.text,
                            generateLabels: (chart) =>
                                Chart.defaults.plugins.legend.labels.generateLabels(chart).map((item) => ({
                                    ...item, text: shortened(item.text, Math.max(20, Math.floor(canvas.clientWidth / 8))),
                                    fillStyle: item.strokeStyle, lineWidth: 0, borderRadius: 2,
                                })),
                        },
                    },
                    tooltip: {
                        filter: (item) => item.dataset.label,
                        callbacks: { label: (item) => `${item.dataset.label}: ${figure(isRanking ? item.parsed.x : item.parsed.y)}` },
                    },
                },
            },
        });
    };

    const start = () => {
        const charts = [...document.querySelectorAll("canvas[data-chart]")].map((canvas) => {
            const shown = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
            return { canvas, shown, drawn: draw(canvas, shown) };
        });
        let dark = document.documentElement.classList.contains("dark");
        new MutationObserver(() => {
            const now = document.documentElement.classList.contains("dark");
            if (now === dark) return;
            dark = now;
            for (const chart of charts) {
                chart.drawn.destroy();
                chart.drawn = draw(chart.canvas, chart.shown);
            }
        }).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
    };
    window.addEventListener("load", start);
})();

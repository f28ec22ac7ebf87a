// Draws the size charts of a page with the Chart.js that the admin brings along.
// Without this script the table beneath each chart says the same.
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

    // Round steps of the unit that the axis has: Chart.js would choose round numbers of bytes.
    const step = (highest) => {
        let unit = 1;
        while (highest >= unit * 1024) unit *= 1024;
        const rough = highest / unit / 5;
        const power = 10 ** Math.floor(Math.log10(rough || 1));
        const nice = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
        return Math.max(1, nice * unit);
    };

    const colours = (canvas) => {
        const style = getComputedStyle(canvas);
        const of = (name) => style.getPropertyValue(`--wf-chart-${name}`).trim();
        return { size: of("size"), data: of("data"), log: of("log"), trend: of("trend"), band: of("band"),
            limit: of("limit"), partial: of("partial"), grid: of("grid"), text: of("text"), fill: of("fill") };
    };

    const faint = (colour) => ({ borderColor: colour, backgroundColor: colour, borderWidth: 2, pointHoverRadius: 4 });

    const datasets = (shown, colour) => {
        const partial = new Set(shown.partial);
        const sets = shown.series.map(({ key, label, values }, number) => ({
            label, data: values, spanGaps: false, ...faint(colour[key] || colour.size),
            fill: number === 0 ? "origin" : false,
            ...(number === 0 ? { backgroundColor: colour.fill } : { borderWidth: 1.5 }),
            // A day between two gaps has no line to be seen by.
            pointRadius: ({ dataIndex: at }) =>
                number === 0 && partial.has(at) ? 4 : values[at - 1] == null && values[at + 1] == null ? 2.5 : 0,
            pointBackgroundColor: ({ dataIndex: at }) => (partial.has(at) ? colour.partial : colour[key] || colour.size),
            pointBorderWidth: 0,
        }));
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
        const sets = datasets(shown, colour);
        const highest = Math.max(1, ...sets.flatMap((set) => set.data).filter((value) => value != null));
        return new Chart(canvas, {
            type: "line",
            data: { labels: shown.days, datasets: sets },
            options: {
                animation: false,
                responsive: true,
                maintainAspectRatio: false,
                interaction: { mode: "index", intersect: false },
                scales: {
                    x: {
                        grid: { display: false },
                        border: { color: colour.grid },
                        ticks: { color: colour.text, autoSkipPadding: 24, maxRotation: 0 },
                    },
                    y: {
                        beginAtZero: true,
                        border: { display: false },
                        grid: { color: colour.grid },
                        ticks: { color: colour.text, callback: size, stepSize: step(highest) },
                    },
                },
                plugins: {
                    legend: {
                        align: "start",
                        position: "bottom",
                        labels: {
                            boxHeight: 8,
                            boxWidth: 16,
                            color: colour.text,
                            filter: (item) => item.text,
                            generateLabels: (chart) =>
                                Chart.defaults.plugins.legend.labels.generateLabels(chart).map((item) => ({
                                    ...item, fillStyle: item.strokeStyle, lineWidth: 0, borderRadius: 2,
                                })),
                        },
                    },
                    tooltip: {
                        filter: (item) => item.dataset.label,
                        callbacks: { label: (item) => `${item.dataset.label}: ${size(item.parsed.y)}` },
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

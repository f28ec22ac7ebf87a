// Draws accounts day by day with the Chart.js that the admin brings along.
// Without this script the table beneath the chart says the same.
(() => {
    "use strict";

    const draw = (canvas, shown) => {
        const style = getComputedStyle(canvas);
        const of = (name) => style.getPropertyValue(`--wf-days-${name}`).trim();
        const colours = [1, 2, 3, 4].map((number) => of(number));
        return new Chart(canvas, {
            type: "line",
            data: {
                labels: shown.days,
                datasets: shown.series.map(({ label, values }, number) => ({
                    label, data: values, spanGaps: false, borderWidth: 2, pointHoverRadius: 4,
                    borderColor: colours[number % colours.length], backgroundColor: colours[number % colours.length],
                    // A day between two gaps has no line to be seen by.
                    pointRadius: ({ dataIndex: at }) => (values[at - 1] == null && values[at + 1] == null ? 3 : 0),
                })),
            },
            options: {
                animation: false,
                responsive: true,
                maintainAspectRatio: false,
                interaction: { mode: "index", intersect: false },
                scales: {
                    x: { grid: { display: false }, ticks: { color: of("text"), autoSkipPadding: 24, maxRotation: 0 } },
                    y: { beginAtZero: true, grid: { color: of("grid") }, ticks: { color: of("text"), precision: 0 } },
                },
                plugins: { legend: { align: "start", position: "bottom", labels: { boxHeight: 8, boxWidth: 16, color: of("text") } } },
            },
        });
    };

    window.addEventListener("load", () => {
        const charts = [...document.querySelectorAll("canvas[data-days]")].map((canvas) => {
            const shown = JSON.parse(document.getElementById(canvas.dataset.days).textContent);
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
    });
})();

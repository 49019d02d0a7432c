// Draws the dashboards with Grafana's own libraries against a real Prometheus: its transformations, field overrides, value mappings, units,
// and its components for stats, tables, time series and bar gauges. The state timeline's plugin is not in npm: its cells are drawn here,
// with Grafana's colours and words. Nothing here is part of Grafana itself, and no Grafana server takes part.
import { createRoot } from 'react-dom/client';
import { useEffect, useLayoutEffect, useState } from 'react';
import { firstValueFrom } from 'rxjs';
import {
  applyFieldOverrides, cacheFieldDisplayNames, createDataFrame, createTheme, dateTime, DataFrame, FieldConfigOptionsRegistry, FieldType, getFieldDisplayValues, getDisplayValueAlignmentFactors,
  standardTransformers, standardTransformersRegistry, ThemeContext, transformDataFrame, VizOrientation,
} from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, TimeSeries } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import portfolio from './portfolio.json';
import readiness from './readiness.json';

const params = new URLSearchParams(location.search);
const dashboard: any = params.get('dashboard') === 'portfolio' ? portfolio : readiness;
const prometheus = params.get('prometheus')!;
const width = Number(params.get('width') ?? 1600);
const to = Date.now() + 1000 * Number(params.get('ahead') ?? 0);
interface Period { from: number; to: number; step: number }
function last(seconds: number): Period {
  return { from: to - 1000 * seconds, to, step: Math.max(1, Math.round(seconds / 300)) };
}
const shown = last(Number(params.get('seconds') ?? 3600));
// A panel can have a time range of its own, in days.
const period = (panel: any) => (panel.timeFrom ? last(86400 * parseInt(panel.timeFrom, 10)) : shown);
const theme = createTheme({ colors: { mode: (params.get('mode') ?? 'dark') as 'dark' | 'light' } });
const variables: Record<string, string> = { job: '.+', instance: '.+', migration: params.get('migration') ?? '.+', __rate_interval: `${Math.max(4 * shown.step, 10)}s`, __interval: `${shown.step}s`, exporter: 'http://localhost:10102' };
const replace = (text?: string) => (text ?? '').replace(/\$\{?(\w+)\}?/g, (whole, name) => variables[name] ?? whole);

const seen = new Set<string>();
standardTransformersRegistry.setInit(() =>
  Object.values(standardTransformers)
    .filter((t: any) => !seen.has(t.id) && seen.add(t.id))
    .map((t: any) => ({ id: t.id, name: t.name, transformation: async () => t, editor: null as any, imageDark: '', imageLight: '' })) as any
);

// The options of the fields that the dashboard uses. Grafana's own list of them is not exported.
const registry = new FieldConfigOptionsRegistry(() =>
  ['unit', 'decimals', 'mappings', 'thresholds', 'color', 'noValue', 'links', 'min', 'max'].map((id) => option(id, false)).concat(['align', 'cellOptions', 'filterable', 'inspect', 'lineStyle', 'minWidth', 'width', 'drawStyle', 'fillOpacity', 'lineInterpolation', 'lineWidth', 'showPoints', 'stacking'].map((id) => option(id, true)))
);
function option(id: string, custom: boolean): any {
  return { id: custom ? 'custom.' + id : id, path: id, isCustom: custom, name: id, editor: null, override: null, process: (value: unknown) => value, shouldApply: () => true, getItemsCount: () => 0 };
}

async function ask(expr: string, instant: boolean, p: Period): Promise<any[]> {
  const body = new URLSearchParams({ query: replace(expr) });
  if (instant) {
    body.set('time', String(to / 1000));
  } else {
    body.set('start', String(p.from / 1000)); body.set('end', String(p.to / 1000)); body.set('step', String(p.step));
  }
  const response = await fetch(`${prometheus}/api/v1/${instant ? 'query' : 'query_range'}?${body}`);
  const answer = await response.json();
  if (answer.status !== 'success') throw new Error(answer.error);
  return answer.data.result;
}

async function query(target: any, alone: boolean, p: Period): Promise<DataFrame[]> {
  const result = await ask(target.expr, target.instant, p);
  if (target.format === 'table') return result.length === 0 ? [] : [table(result, target.refId, alone)];
  return result.map((series: any) => line(series, target, p));
}

// The moments of the annotations that are switched on, in milliseconds, as Grafana's Prometheus data source finds them.
async function moments(p: Period): Promise<Array<{ time: number; color: string }>> {
  const all = dashboard.annotations.list.filter((a: any) => a.expr && a.enable);
  const found = await Promise.all(all.map(async (a: any) => {
    const step = Math.max(parseInt(a.step, 10) * (a.step.endsWith('m') ? 60 : 1), Math.ceil((p.to - p.from) / 1000 / 10000));
    const result = await ask(a.expr, false, { ...p, step });
    return result.flatMap((series: any) => {
      let latest = -Infinity;
      const times: number[] = [];
      for (const [time, value] of series.values) {
        const moment = a.useValueForTime ? Number(value) : 1000 * time;
        if (moment > latest + 1000 * step) times.push(moment);
        latest = moment;
      }
      return times.map((time) => ({ time, color: theme.visualization.getColorByName(a.iconColor) }));
    });
  }));
  return found.flat().filter((m) => m.time >= p.from && m.time <= p.to);
}

function Marks({ builder, events }: any) {
  useLayoutEffect(() => {
    builder.addHook('draw', (u: any) => {
      for (const { time, color } of events) {
        const x = u.valToPos(time, 'x', true);
        u.ctx.save();
        u.ctx.strokeStyle = color; u.ctx.lineWidth = 1; u.ctx.setLineDash([4, 3]);
        u.ctx.beginPath(); u.ctx.moveTo(x, u.bbox.top); u.ctx.lineTo(x, u.bbox.top + u.bbox.height); u.ctx.stroke();
        u.ctx.restore();
      }
    });
  }, [builder, events]);
  return null;
}

// As Grafana's Prometheus data source makes tables: the labels as columns, and the value's name with the query's letter when there are several.
function table(result: any[], refId: string, alone: boolean): DataFrame {
  const labels = [...new Set(result.flatMap((s) => Object.keys(s.metric)))].sort();
  return createDataFrame({
    refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: result.map((s) => s.value[0] * 1000) },
      ...labels.map((name) => ({ name, type: FieldType.string, values: result.map((s) => s.metric[name] ?? '') })),
      { name: alone ? 'Value' : `Value #${refId}`, type: FieldType.number, values: result.map((s) => Number(s.value[1])) },
    ],
  });
}

function line(series: any, target: any, p: Period): DataFrame {
  const values: Array<[number, string]> = target.instant ? [series.value] : grid(series.values, p);
  const name = target.legendFormat === '__auto' ? JSON.stringify(series.metric) : target.legendFormat.replace(/\{\{(\w+)\}\}/g, (_: string, l: string) => series.metric[l] ?? '');
  return createDataFrame({
    refId: target.refId, name,
    fields: [
      { name: 'Time', type: FieldType.time, values: values.map((v) => v[0] * 1000), config: { interval: p.step * 1000 } },
      { name: 'Value', type: FieldType.number, values: values.map((v) => (v[1] === null ? null : Number(v[1]))), labels: series.metric, config: { displayNameFromDS: name } },
    ],
  });
}

// Steps without a sample become null, as Grafana fills them.
function grid(values: Array<[number, string]>, { from, to, step }: Period): any {
  const at = new Map(values.map((v) => [Math.round((v[0] * 1000 - from) / 1000 / step), v[1]]));
  return Array.from({ length: Math.floor((to - from) / 1000 / step) + 1 }, (_, i) => [from / 1000 + i * step, at.get(i) ?? null]);
}

async function load(panel: any): Promise<DataFrame[]> {
  const perTarget = await Promise.all(panel.targets.map((t: any) => query(t, false, period(panel))));
  const answered = perTarget.filter((frames) => frames.length > 0).length;
  if (answered === 1) {
    for (const frame of perTarget.flat()) for (const field of frame.fields) field.name = field.name.replace(/^Value #\w$/, 'Value');
  }
  const transformed = panel.transformations ? await firstValueFrom(transformDataFrame(panel.transformations, perTarget.flat())) : perTarget.flat();
  const frames = applyFieldOverrides({ data: transformed, fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry, replaceVariables: replace, theme, timeZone: 'utc' });
  cacheFieldDisplayNames(frames);
  return frames;
}

const rangeOf = (p: Period) => ({ from: dateTime(p.from), to: dateTime(p.to), raw: { from: dateTime(p.from), to: dateTime(p.to) } });

function Body({ panel, w, h }: any) {
  const [frames, setFrames] = useState<DataFrame[] | null>(null);
  const [events, setEvents] = useState<any[] | null>(null);
  const [error, setError] = useState('');
  useEffect(() => {
    load(panel).then(setFrames, (e) => setError(String(e)));
    (panel.type === 'timeseries' ? moments(period(panel)) : Promise.resolve([])).then(setEvents, (e) => setError(String(e)));
  }, []);
  if (error) return <div data-error style={{ color: 'red' }}>{error}</div>;
  if (!frames || !events) return <div data-loading />;
  const range = rangeOf(period(panel));
  const empty = frames.length === 0 || frames.every((f) => f.length === 0);
  if (panel.type === 'stat' || panel.type === 'bargauge') {
    const values = getFieldDisplayValues({ data: frames, fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: replace, theme, timeZone: 'utc' });
    return panel.type === 'stat' ? <Stats panel={panel} values={values} w={w} h={h} /> : <Bars panel={panel} values={values} w={w} h={h} />;
  }
  if (empty) return <div style={{ padding: 12, color: theme.colors.text.secondary }}>{panel.fieldConfig.defaults.noValue ?? 'No data'}</div>;
  if (panel.type === 'table') {
    return <TableNG data={frames[0]} width={w} height={h} timeRange={range as any} structureRev={1} cellHeight={panel.options.cellHeight} enableVirtualization={false} /> as any;
  }
  if (panel.type === 'state-timeline') return <Timeline frames={frames} w={w} h={h} />;
  return <TimeSeries frames={frames} width={w} height={h} timeRange={range as any} timeZone="utc" legend={{ ...panel.options.legend, displayMode: 'list', calcs: [] }}>{(builder: any) => <Marks builder={builder} events={events} />}</TimeSeries>;
}

function Stats({ panel, values, w, h }: any) {
  const columns = w > h * 1.6 ? Math.min(values.length, Math.ceil(Math.sqrt((values.length * w) / h / 2.2))) : 1;
  const rows = Math.ceil(values.length / columns);
  return (
    <div style={{ display: 'flex', flexWrap: 'wrap', gap: 4 }}>
      {values.map((v: any, i: number) => (
        <BigValue key={i} value={values.length === 1 && panel.options.textMode === 'value_and_name' && v.name.startsWith('Value') ? { ...v.display, title: '' } : v.display} width={Math.floor(w / columns) - 4} height={Math.floor(h / rows) - 4}
          colorMode={panel.options.colorMode} graphMode={panel.options.graphMode} justifyMode={panel.options.justifyMode} textMode={panel.options.textMode} theme={theme} count={values.length} alignmentFactors={getDisplayValueAlignmentFactors(values)} />
      ))}
    </div>
  );
}

function Bars({ panel, values, w, h }: any) {
  const each = Math.min(40, Math.floor(h / values.length) - 4);
  return values.map((v: any, i: number) => (
    <div key={i} style={{ marginBottom: 4 }}>
      <BarGauge theme={theme} value={v.display} field={v.field} width={w} height={each} orientation={VizOrientation.Horizontal} displayMode={panel.options.displayMode} showUnfilled={panel.options.showUnfilled} display={v.view?.getFieldDisplayProcessor(v.colIndex)} alignmentFactors={getDisplayValueAlignmentFactors(values)} itemSpacing={8} />
    </div>
  ));
}

function Timeline({ frames, w, h }: { frames: DataFrame[]; w: number; h: number }) {
  const { from, to } = shown;
  const days = to - from > 2 * 86400000;
  const names = 230;
  const rowHeight = Math.max(10, Math.min(34, (h - 18) / frames.length));
  return (
    <svg width={w} height={h} fontFamily={theme.typography.fontFamily} fontSize={Math.min(12, rowHeight - 2)}>
      {frames.map((frame, i) => {
        const field = frame.fields[1];
        const runs: Array<{ begin: number; end: number; value: number }> = [];
        field.values.forEach((value: number | null, j: number) => {
          const last = runs[runs.length - 1];
          if (value === null) return;
          if (last && last.value === value && last.end === j) last.end = j + 1;
          else runs.push({ begin: j, end: j + 1, value });
        });
        const x = (j: number) => names + ((w - names) * j) / field.values.length;
        return (
          <g key={i} transform={`translate(0 ${i * rowHeight})`}>
            <text x={0} y={rowHeight * 0.65} fill={theme.colors.text.primary}>{field.config.displayNameFromDS}</text>
            {runs.map((run, j) => {
              const shown = field.display!(run.value);
              return (
                <g key={j}>
                  <rect x={x(run.begin)} y={rowHeight * 0.08} width={x(run.end) - x(run.begin)} height={rowHeight * 0.84} fill={shown.color} fillOpacity={0.7} />
                  {x(run.end) - x(run.begin) > 8 * shown.text.length && <text x={x(run.begin) + 4} y={rowHeight * 0.65} fill="#fff">{shown.text}</text>}
                </g>
              );
            })}
          </g>
        );
      })}
      {[0, 1, 2, 3, 4].map((i) => (
        <text key={i} x={names + ((w - names - 40) * i) / 4} y={h - 4} fill={theme.colors.text.secondary}>{new Date(from + ((to - from) * i) / 4).toISOString().slice(...(days ? [5, 10] : [11, 19]))}</text>
      ))}
    </svg>
  );
}

function Page() {
  const column = width / 24;
  const phone = width < 769; // below this Grafana puts each panel into a line of its own
  const only = params.get('rows')?.split(',').map(Number);
  const panels = (dashboard.panels as any[]).flatMap((p) => (p.type === 'row' ? [p, ...p.panels] : [p])).filter((p) => !only || (p.gridPos.y >= only[0] && p.gridPos.y < only[1]));
  if (phone) {
    let y = 0;
    for (const p of panels) { p.gridPos = { x: 0, y, w: 24, h: p.gridPos.h }; y += p.gridPos.h; }
  }
  const top = Math.min(...panels.map((p) => p.gridPos.y));
  const bottom = Math.max(...panels.map((p) => p.gridPos.y + p.gridPos.h));
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div id="dashboard" style={{ position: 'relative', width, height: (bottom - top) * 38, background: theme.colors.background.canvas, color: theme.colors.text.primary }}>
        {panels.map((p) => {
          const box = { position: 'absolute' as const, left: p.gridPos.x * column + 4, top: (p.gridPos.y - top) * 38, width: p.gridPos.w * column - 8, height: p.gridPos.h * 38 - 8 };
          if (p.type === 'row') return <div key={p.id} style={{ ...box, fontWeight: 500, lineHeight: '30px' }}>{p.title}</div>;
          return (
            <div key={p.id} data-panel={p.title} style={{ ...box, background: theme.colors.background.primary, border: `1px solid ${theme.colors.border.weak}`, borderRadius: 2, overflow: 'hidden' }}>
              <div style={{ padding: '4px 8px', fontWeight: 500, fontSize: 14, height: 28 }}>{p.title}</div>
              <div style={{ padding: '0 8px' }}><Body panel={p} w={box.width - 18} h={box.height - 38} /></div>
            </div>
          );
        })}
      </div>
    </ThemeContext.Provider>
  );
}

createRoot(document.getElementById('root')!).render(<Page />);

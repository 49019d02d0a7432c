// Draws readiness.json with Grafana's own libraries against a real Prometheus: its transformations, field overrides, value mappings, units,
// and its components for stats, tables, time series and bar gauges. The state timeline's plugin is not in npm: its cells are drawn here,
// with Grafana's colours and words. Nothing here is part of Grafana itself, and no Grafana server takes part.
import { createRoot } from 'react-dom/client';
import { useEffect, useState } from 'react';
import { firstValueFrom } from 'rxjs';
import {
  applyFieldOverrides, cacheFieldDisplayNames, createDataFrame, createTheme, dateTime, DataFrame, FieldConfigOptionsRegistry, FieldType, getFieldDisplayValues, getDisplayValueAlignmentFactors,
  standardTransformers, standardTransformersRegistry, ThemeContext, transformDataFrame, VizOrientation,
} from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, TimeSeries } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import dashboard from './readiness.json';

const params = new URLSearchParams(location.search);
const prometheus = params.get('prometheus')!;
const width = Number(params.get('width') ?? 1600);
const to = Date.now() + 1000 * Number(params.get('ahead') ?? 0);
const from = to - 1000 * Number(params.get('seconds') ?? 3600);
const step = Math.max(1, Math.round((to - from) / 1000 / 300));
const theme = createTheme({ colors: { mode: (params.get('mode') ?? 'dark') as 'dark' | 'light' } });
const variables: Record<string, string> = { job: '.+', migration: params.get('migration') ?? '.+', __rate_interval: `${Math.max(4 * step, 10)}s`, __interval: `${step}s`, exporter: 'http://localhost:10102' };
const replace = (text?: string) => (text ?? '').replace(/\$\{?(\w+)\}?/g, (whole, name) => variables[name] ?? whole);

const seen = new Set<string>();
standardTransformersRegistry.setInit(() =>
  Object.values(standardTransformers)
    .filter((t: any) => !seen.has(t.id) && seen.add(t.id))
    .map((t: any) => ({ id: t.id, name: t.name, transformation: async () => t, editor: null as any, imageDark: '', imageLight: '' })) as any
);

// The options of the fields that the dashboard uses. Grafana's own list of them is not exported.
const registry = new FieldConfigOptionsRegistry(() =>
  ['unit', 'decimals', 'mappings', 'thresholds', 'color', 'noValue', 'links', 'min', 'max'].map((id) => option(id, false)).concat(['align', 'cellOptions', 'filterable', 'inspect', 'lineStyle', 'minWidth', 'width'].map((id) => option(id, true)))
);
function option(id: string, custom: boolean): any {
  return { id: custom ? 'custom.' + id : id, path: id, isCustom: custom, name: id, editor: null, override: null, process: (value: unknown) => value, shouldApply: () => true, getItemsCount: () => 0 };
}

async function query(target: any, alone: boolean): Promise<DataFrame[]> {
  const body = new URLSearchParams({ query: replace(target.expr) });
  if (target.instant) {
    body.set('time', String(to / 1000));
  } else {
    body.set('start', String(from / 1000)); body.set('end', String(to / 1000)); body.set('step', String(step));
  }
  const response = await fetch(`${prometheus}/api/v1/${target.instant ? 'query' : 'query_range'}?${body}`);
  const answer = await response.json();
  if (answer.status !== 'success') throw new Error(answer.error);
  if (target.format === 'table') return answer.data.result.length === 0 ? [] : [table(answer.data.result, target.refId, alone)];
  return answer.data.result.map((series: any) => line(series, target));
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

function line(series: any, target: any): DataFrame {
  const values: Array<[number, string]> = target.instant ? [series.value] : grid(series.values);
  const name = target.legendFormat === '__auto' ? JSON.stringify(series.metric) : target.legendFormat.replace(/\{\{(\w+)\}\}/g, (_: string, l: string) => series.metric[l] ?? '');
  return createDataFrame({
    refId: target.refId, name,
    fields: [
      { name: 'Time', type: FieldType.time, values: values.map((v) => v[0] * 1000), config: { interval: step * 1000 } },
      { name: 'Value', type: FieldType.number, values: values.map((v) => (v[1] === null ? null : Number(v[1]))), labels: series.metric, config: { displayNameFromDS: name } },
    ],
  });
}

// Steps without a sample become null, as Grafana fills them.
function grid(values: Array<[number, string]>): any {
  const at = new Map(values.map((v) => [Math.round((v[0] * 1000 - from) / 1000 / step), v[1]]));
  return Array.from({ length: Math.floor((to - from) / 1000 / step) + 1 }, (_, i) => [from / 1000 + i * step, at.get(i) ?? null]);
}

async function load(panel: any): Promise<DataFrame[]> {
  const perTarget = await Promise.all(panel.targets.map((t: any) => query(t, false)));
  const answered = perTarget.filter((frames) => frames.length > 0).length;
  if (answered === 1) {
    for (const frame of perTarget.flat()) for (const field of frame.fields) field.name = field.name.replace(/^Value #\w$/, 'Value');
  }
  const transformed = panel.transformations ? await firstValueFrom(transformDataFrame(panel.transformations, perTarget.flat())) : perTarget.flat();
  const frames = applyFieldOverrides({ data: transformed, fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry, replaceVariables: replace, theme, timeZone: 'utc' });
  cacheFieldDisplayNames(frames);
  return frames;
}

const range = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };

function Body({ panel, w, h }: any) {
  const [frames, setFrames] = useState<DataFrame[] | null>(null);
  const [error, setError] = useState('');
  useEffect(() => { load(panel).then(setFrames, (e) => setError(String(e))); }, []);
  if (error) return <div data-error style={{ color: 'red' }}>{error}</div>;
  if (!frames) return <div data-loading />;
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
  return <TimeSeries frames={frames} width={w} height={h} timeRange={range as any} timeZone="utc" legend={{ ...panel.options.legend, displayMode: 'list', calcs: [] }} />;
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
        <text key={i} x={names + ((w - names - 40) * i) / 4} y={h - 4} fill={theme.colors.text.secondary}>{new Date(from + ((to - from) * i) / 4).toISOString().slice(11, 19)}</text>
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

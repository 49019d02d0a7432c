// The type that portfolio.json and readiness.json must have: Grafana's own dashboard, with the options of each panel's own plugin in place of "anything",
// and with enums as the literals that JSON has. The test writes each dashboard into a constant of this type and runs tsc.
import type { DataSourceRef, Dashboard, DataTransformerConfig, FieldConfig, MatcherConfig, GridPos } from '@grafana/schema';
import type { Options as BarGaugeOptions } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as TimelineOptions, FieldConfig as TimelineField } from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type { Options as TableOptions, FieldConfig as TableField } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as TimeSeriesOptions, FieldConfig as TimeSeriesField } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// Loose turns an enum of strings into its literals, at every depth.
type Loose<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T : T extends Array<infer U> ? Array<Loose<U>> : T extends object ? { [K in keyof T]: Loose<T[K]> } : T;

// What the package does not have: the query of a Prometheus data source, as its editor writes it.
interface Target {
  datasource: DataSourceRef;
  editorMode: 'code';
  expr: string;
  format: 'table' | 'time_series';
  instant: boolean;
  legendFormat: string;
  range: boolean;
  refId: string;
}

interface Link {
  title: string;
  url: string;
  targetBlank: boolean;
}

// Two keys of the table's options are newer than Grafana 10 or gone since; they are what both accept.
type TableOptions10 = Omit<TableOptions, 'frameIndex'> & { footer: { show: boolean; reducer: string[]; countRows: boolean; fields: string } };
// Options that Grafana fills in by itself.
type Filled<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;

interface PanelOf<Type extends string, Options, Custom> {
  datasource: DataSourceRef;
  description: string;
  fieldConfig: {
    defaults: Omit<Loose<FieldConfig>, 'custom' | 'links'> & { custom?: Partial<Loose<Custom>>; links?: Link[] };
    overrides: Array<{ matcher: MatcherConfig; properties: Array<{ id: string; value: unknown }> }>;
  };
  gridPos: Required<Pick<GridPos, 'h' | 'w' | 'x' | 'y'>>;
  id: number;
  interval?: string;
  options: Loose<Options>;
  targets: Target[];
  timeFrom?: string;
  title: string;
  transformations?: DataTransformerConfig[];
  type: Type;
}

type Panel =
  | PanelOf<'bargauge', Filled<BarGaugeOptions, 'legend' | 'maxVizHeight'>, never>
  | PanelOf<'stat', Filled<StatOptions, 'percentChangeColorMode' | 'showPercentChange'>, never>
  | PanelOf<'state-timeline', Filled<TimelineOptions, never>, TimelineField>
  | PanelOf<'table', TableOptions10, TableField>
  | PanelOf<'timeseries', TimeSeriesOptions, TimeSeriesField>;

interface Row {
  collapsed: boolean;
  gridPos: Required<Pick<GridPos, 'h' | 'w' | 'x' | 'y'>>;
  id: number;
  panels: Panel[];
  title: string;
  type: 'row';
}

// What a Prometheus data source adds to an annotation; the schema has only what is common to all.
type Annotation = Loose<NonNullable<NonNullable<Dashboard['annotations']>['list']>[number]> & {
  expr?: string;
  step?: string;
  tagKeys?: string;
  textFormat?: string;
  titleFormat?: string;
  useValueForTime?: boolean;
};

export type MigrationDashboard = Omit<Loose<Dashboard>, 'annotations' | 'panels'> & {
  annotations: { list: Annotation[] };
  panels: Array<Panel | Row>;
};

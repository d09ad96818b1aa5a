export interface HeadsArguments {
  count?: number;
  length?: number;
  seed?: number;
  threshold?: number;
  removal?: boolean;
  json?: boolean;
}

/* tslint:disable */
/* eslint-disable */
export * from './CompletionApi';
export * from './EpisodesApi';
export * from './LearningApi';
export * from './SpacesApi';
export * from './SystemApi';

export { KernelChannel } from './channel';
export { KernelFollower } from './follower';

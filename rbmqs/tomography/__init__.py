"""rbmqs/tomography"""
